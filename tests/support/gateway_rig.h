/* A gateway's mail in the test's own process, with channels at whose other ends the test is keeper, core and scribe. */
#ifndef TESTS_SUPPORT_GATEWAY_RIG_H
#define TESTS_SUPPORT_GATEWAY_RIG_H

#include "gateway/gateway.h"

struct gateway_rig {
	struct gateway gateway;
	struct gateway_settings settings;
	struct board board;
	int keeper, core, scribe; /* the test's ends; negative: closed */
};

void rig_start(struct gateway_rig *rig);
void rig_end(struct gateway_rig *rig);

/* Let it do what there is to do. */
void rig_run(struct gateway_rig *rig);

/* Send it a message with a descriptor (negative: none), and let it be taken. */
void rig_send(struct gateway_rig *rig, int channel, const void *message, int fd);

/* What it sent, of whatever type; its type, or 0: nothing. A descriptor that came along is the caller's; negative: none. */
uint32_t rig_receive(int channel, union message *ret, int *ret_fd);

/* Put another core or scribe in the place of the one there was. */
void rig_replace(struct gateway_rig *rig, enum role role);

/* A sealed memfd with this text. */
int rig_memory(const char *text);

#endif
