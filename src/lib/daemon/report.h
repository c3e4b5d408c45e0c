/* What a daemon on its way tells its starter, one message a packet. Both ends are the same program, before and after
 * fork(2), but the starter checks what it reads nevertheless. */
#ifndef LIB_DAEMON_REPORT_H
#define LIB_DAEMON_REPORT_H

#include "reeve/daemon.h"

enum report_kind {
	REPORT_STARTED = 1, /* the steps are done; `pid` is the daemon */
	REPORT_FAILED,      /* `step` failed with `value`, an errno */
	REPORT_STATUS       /* the daemon says: `value`, `text` */
};

struct report_packet {
	int32_t kind;
	int32_t pid;
	int32_t step;
	int32_t value;
	char text[REEVE_DAEMON_MESSAGE_MAX];
};

/* Returns 0, or a negative errno. A starter that is gone is no error. */
int report_send(int fd, const struct report_packet *packet);

/* Wait for the next packet until `deadline`. Returns 0, -EPIPE where no more will come, -EBADMSG for what is none,
 * -ETIMEDOUT, -EINTR. */
int report_receive(int fd, reeve_nsec deadline, struct report_packet *ret);

/* The daemon's end. */
struct reeve_daemon {
	int fd; /* negative: has reported */
};

#endif
