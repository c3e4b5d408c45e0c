/* What the two halves of the channels share: messages (channel.c) and addresses
 * (channel_address.c). */
#ifndef LIB_FD_SOCKET_H
#define LIB_FD_SOCKET_H

/* From now on each message that is received tells who sent it. Returns 0 or a negative errno. */
int socket_set_credentials(int fd);

#endif
