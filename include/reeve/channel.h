/* reeve/channel.h - messages between processes, with descriptors and the sender's credentials
 * attached.
 *
 * A channel is a connected Unix socket of type SOCK_SEQPACKET, and is spoken of by its
 * descriptor: it can be polled, inherited, handed to a spawned program and passed over another
 * channel like any other, and close(2) ends it. Each message arrives whole, once, in order, or
 * not at all. Messages have at least one byte.
 *
 *	int ends[2];
 *
 *	reeve_channel_pair(ends);
 *	reeve_channel_send(ends[0], "take this", 9, &file, 1, REEVE_FOREVER);
 *	size = reeve_channel_receive(ends[1], text, sizeof text, &copy, 1, &info, REEVE_SEC);
 *
 * A send or a receive that need not wait is one system call and allocates nothing. What holds
 * for all: any number of threads may send on and receive from one channel at once; a signal
 * never comes of it (SIGPIPE); it makes no difference whether the descriptor is in non-blocking
 * mode.
 *
 * Addresses are a path of a socket in the file system, or `@name` for the abstract namespace,
 * which has no file and no permissions: there the sender's credentials are the only guard. See
 * unix(7). */
#ifndef REEVE_CHANNEL_H
#define REEVE_CHANNEL_H

#include <sys/types.h>

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Descriptors in one message: the kernel's SCM_MAX_FD. */
#define REEVE_CHANNEL_DESCRIPTORS_MAX 253

/* Bytes of an address, without its terminating zero. */
#define REEVE_CHANNEL_ADDRESS_MAX 107

/* Who sent a message, or who made the other end. The kernel vouches for it: only a process with
 * CAP_SYS_ADMIN (pid), CAP_SETUID or CAP_SETGID may claim to be another. A process that the
 * receiver's namespaces don't know has pid 0 and the overflow ids (65534). Where the kernel did not
 * say (a socket that was not adopted) the pid is 0 and both ids are -1. */
struct reeve_channel_credentials {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/* What came with a message besides its bytes. */
struct reeve_channel_info {
	struct reeve_channel_credentials sender;
	size_t descriptor_count;
};

/* Make two channels that are connected with each other. Both report credentials.
 *
 *   ret   two descriptors, the caller's to close
 *
 * Returns 0, -EMFILE, -ENFILE, -ENOMEM. See socketpair(2). */
REEVE_API int reeve_channel_pair(int ret[2]);

/* Make sure that a descriptor that was inherited or received is a channel, and prepare it: from
 * now on it is close-on-exec and reports the sender of each message. A message that was sent
 * before may lack it (pid 0, overflow ids).
 *
 * Returns 0, -EBADF, -ENOTSOCK, -EPROTOTYPE (a socket, but not a connected Unix SOCK_SEQPACKET
 * one). */
REEVE_API int reeve_channel_adopt(int fd);

/* Send one message of `size` bytes (at least 1), and copies of `count` descriptors with it.
 *
 *   descriptors   borrowed: they stay open here; may be NULL where count is 0
 *   timeout       how long to wait while the peer's queue is full
 *
 * Returns 0, or -ETIMEDOUT (the queue stayed full), -EPIPE (the peer has closed), -EMSGSIZE
 * (larger than the socket's send buffer, 208 KiB by default), -EBADF (one of `descriptors`,
 * too), -EINVAL (no bytes, or more than REEVE_CHANNEL_DESCRIPTORS_MAX descriptors),
 * -ETOOMANYREFS (more descriptors in flight than RLIMIT_NOFILE allows the user), -ENOBUFS,
 * -ENOMEM, -EINTR. On failure nothing was sent. */
REEVE_API int reeve_channel_send(int channel, const void *data, size_t size, const int *descriptors,
	size_t count, reeve_nsec timeout);

/* Receive one message.
 *
 *   data, size         room for its bytes
 *   descriptors, room  room for `room` descriptors; NULL and 0 where none is expected. The first
 *                      ret->descriptor_count of them are then the caller's to close; close-on-exec
 *   ret                may be NULL where `room` is 0
 *
 * Returns the number of bytes, at least 1; or 0 when the peer has closed and all that it sent
 * was received: an outcome, not a failure. Or -ETIMEDOUT (nothing came), -EMSGSIZE (the message
 * had more bytes or more descriptors than there was room for), -EMFILE (some of its descriptors
 * did not fit under RLIMIT_NOFILE), -EBADMSG (a message without a byte, which this library never
 * sends), -EINVAL, -EBADF, -ENOTCONN, -ENOMEM, -EINTR. With -EMSGSIZE, -EMFILE and -EBADMSG the
 * message is gone and what it brought is closed; with the others it still waits. */
REEVE_API ssize_t reeve_channel_receive(int channel, void *data, size_t size, int *descriptors,
	size_t room, struct reeve_channel_info *ret, reeve_nsec timeout);

/* Who made the other end: the process that called reeve_channel_pair, reeve_channel_connect, or
 * reeve_channel_listen, as it was then. Returns 0, -EBADF, -ENOTSOCK, -ENOTCONN. See
 * SO_PEERCRED, unix(7). */
REEVE_API int reeve_channel_peer(int channel, struct reeve_channel_credentials *ret);

/* Listen at an address. The socket's file appears at `address` in one step, with its mode,
 * already listening. A socket that a dead listener left there is replaced; of several processes
 * that try at once one succeeds. While it works, a second file `.reeve-PID-N` stands beside it;
 * /proc is needed.
 *
 *   mode      of the socket's file, whatever the umask; who may write may connect. Ignored for
 *             `@name`
 *   backlog   how many connections may wait to be accepted; 0: as many as the system allows
 *
 * Returns a descriptor for reeve_channel_accept, readable when a connection waits; the caller's
 * to close. Or -EADDRINUSE (somebody listens there, or is about to), -EEXIST (what is there is
 * no socket), -EINVAL (an empty address), -ENAMETOOLONG, -ENOENT, -ENOTDIR, -EACCES, -EROFS,
 * -EMFILE, -ENFILE, -ENOMEM, -ENOSPC. */
REEVE_API int reeve_channel_listen(const char *address, mode_t mode, int backlog);

/* Accept one connection. Any number of processes may accept from one listening socket.
 *
 * Returns a channel, or -ETIMEDOUT, -EBADF, -ENOTSOCK, -EINVAL (not listening), -EMFILE,
 * -ENFILE, -ENOMEM, -EINTR. */
REEVE_API int reeve_channel_accept(int listener, reeve_nsec timeout);

/* Connect to an address, waiting for room among the connections that wait to be accepted.
 *
 * Returns a channel, or -ETIMEDOUT, -ENOENT (no such file), -ECONNREFUSED (nobody listens
 * there), -EPROTOTYPE (what listens is no SOCK_SEQPACKET socket), -EACCES, -EINVAL,
 * -ENAMETOOLONG, -EMFILE, -ENFILE, -ENOMEM, -EINTR. */
REEVE_API int reeve_channel_connect(const char *address, reeve_nsec timeout);

/* Remove the file of a listening socket; it does not close anything. Nothing happens for
 * `@name`. Returns 0, -ENOENT, -ENOTSOCK (what is there is left alone), -EACCES, -EINVAL,
 * -EROFS. */
REEVE_API int reeve_channel_remove(const char *address);

#ifdef __cplusplus
}
#endif

#endif
