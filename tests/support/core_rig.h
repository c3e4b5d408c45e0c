/* A core in a process of its own, between a keeper, a scribe and a gateway that are the test: its programs are the
 * test's children, what it gives the keeper to hold is held as the keeper would, and its requests come from here. It
 * can be killed, and be followed by another one. */
#ifndef TESTS_SUPPORT_CORE_RIG_H
#define TESTS_SUPPORT_CORE_RIG_H

#include <stdbool.h>

#include "board/board.h"
#include "board/roles.h"

#define RIG_LOG_MESSAGES 64

struct core_rig {
	char directory[64];
	char file[80]; /* the configuration */
	struct board board;
	struct keeper_memory *memory;
	struct config_request request;
	struct role_settings settings;
	pid_t core; /* 0: it has ended */
	int core_status;
	int keeper, scribe, gateway; /* our ends */
	int log;
	bool ready, finished, again;
	uint64_t number;    /* of the last request */
	uint64_t exits_sent;
	unsigned changed; /* how many CHANGED came */
	struct message_stream closed[RIG_LOG_MESSAGES]; /* the LOG_CLOSE and LOG_CLEAR that the scribe got */
	unsigned closed_count;
	struct message_reply replies[RIG_LOG_MESSAGES]; /* in the order in which they came */
	char *reply_data[RIG_LOG_MESSAGES];
	unsigned reply_count;
};

/* Write the configuration's programs (behind a [supervisord] of the rig's own). */
void rig_configure(struct core_rig *rig, const char *text);

/* Make one, with a core that has come up. */
void rig_start(struct core_rig *rig, const char *text);

/* Kill the core; start another one in its place, which has come up. */
void rig_kill_core(struct core_rig *rig);
void rig_start_core(struct core_rig *rig);
void rig_replace_core(struct core_rig *rig);

/* End in order, and check that nothing is left. */
void rig_end(struct core_rig *rig);

/* Be the others for a moment: take what the core sent, reap. */
void rig_pump(struct core_rig *rig);

/* Take what the core sent, and no more. */
void rig_hear(struct core_rig *rig);

#define RIG_UNTIL(rig, condition)                                                                  \
	do                                                                                         \
		rig_pump(rig);                                                                     \
	while (!(condition))

/* Send a request; its number. `wait` also stands for `value` of SIGNAL. */
uint64_t rig_send(struct core_rig *rig, const struct message_request *request, const char *data);
uint64_t rig_ask(struct core_rig *rig, enum request_kind kind, const char *group, const char *name);

/* The answer, waited for; its data, where it has any, in *ret_data, which lives as long as the rig. */
const struct message_reply *rig_answer(struct core_rig *rig, uint64_t number, const char **ret_data);
/* Those that came so far are no longer wanted. */
void rig_forget_answers(struct core_rig *rig);

bool rig_has_answer(const struct core_rig *rig, uint64_t number);

/* Ask, and wait for the fault. */
int rig_do(struct core_rig *rig, enum request_kind kind, const char *group, const char *name);

/* The record of a process; fails the test where there is none. */
struct board_record rig_record(struct core_rig *rig, const char *group, const char *name);
bool rig_has(struct core_rig *rig, const char *group, const char *name);
/* How many processes are in a state; how many children there are but the core. */
unsigned rig_count_state(struct core_rig *rig, int state);
unsigned rig_count_children(struct core_rig *rig);

void rig_wait_state(struct core_rig *rig, const char *group, const char *name, int state);

#endif
