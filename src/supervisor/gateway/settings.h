/* What the gateway was started with, read from what main/gateway.h describes. */
#ifndef GATEWAY_SETTINGS_H
#define GATEWAY_SETTINGS_H

#include "gateway/gateway.h"

/* Read all of `fd`, which is borrowed. Free with settings_free(). -EBADMSG: it makes no sense. */
int settings_read(int fd, struct gateway_settings **ret);

/* The same of text. */
int settings_parse(const char *text, size_t size, struct gateway_settings **ret);

/* Takes NULL; returns NULL. The servers' sockets stay open. */
struct gateway_settings *settings_free(struct gateway_settings *settings);

#endif
