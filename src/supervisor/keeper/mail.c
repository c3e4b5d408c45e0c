/* What the keeper and the other roles say to each other. Nothing is queued twice: what is still to be sent is
 * read off the keeper's state whenever a channel has room. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "board/log.h"
#include "keeper/exits.h"
#include "keeper/state.h"
#include "keeper/store.h"
#include "reeve/channel.h"
#include "reeve/error.h"

/* Messages taken in one go before others have their turn. */
#define MESSAGES_A_ROUND 64

static int send_message(int channel, const void *message, const int *fd)
{
	const union message *whole = message;

	return reeve_channel_send(channel, message, message_size(whole), fd, fd ? 1 : 0, 0);
}

static int send_new_peers(struct keeper_role *role)
{
	for (enum role other = 0; other < ROLES; other++) {
		struct message_peer message = { .type = MESSAGE_PEER_CHANGED, .role = other };
		int r;

		if (role->new_peers[other] < 0)
			continue;
		r = send_message(role->channel, &message, &role->new_peers[other]);
		if (r < 0)
			return r;
		close(role->new_peers[other]);
		role->new_peers[other] = -EBADF;
	}
	return 0;
}

static int send_signals(struct keeper *keeper, struct keeper_role *core)
{
	for (unsigned i = 0; i < keeper->signal_count; i++) {
		struct keeper_signal *signal = &keeper->signals[i];
		int r = signal->sent ? 0 : send_message(core->channel, &signal->message, NULL);

		if (r < 0)
			return r;
		signal->sent = true;
	}
	return 0;
}

static int send_exits(struct keeper *keeper, struct keeper_role *core)
{
	while (keeper->reaps && keeper->exits_sent < keeper->memory->exits_next) {
		int r = send_message(
			core->channel, exits_get(keeper->memory, keeper->exits_sent), NULL);

		if (r < 0)
			return r;
		keeper->exits_sent++;
	}
	return 0;
}

void mail_flush(struct keeper *keeper, enum role which)
{
	struct keeper_role *role = &keeper->roles[which];
	int r;

	if (!role->source)
		return;
	r = send_new_peers(role);
	if (r == 0 && which == ROLE_CORE)
		r = send_exits(keeper, role);
	if (r == 0 && which == ROLE_CORE)
		r = send_signals(keeper, role);
	/* Anything but a full queue means that the role is ending: its end will be heard of. */
	reeve_loop_fd_set_events(role->source,
		REEVE_LOOP_READABLE | (r == -ETIMEDOUT ? REEVE_LOOP_WRITABLE : 0));
}

static struct keeper_signal *find_signal(struct keeper *keeper, int signo)
{
	for (unsigned i = 0; i < keeper->signal_count; i++)
		if (keeper->signals[i].message.signal == signo)
			return &keeper->signals[i];
	return NULL;
}

void mail_signal(struct keeper *keeper, int signo, pid_t pid, uid_t uid)
{
	struct keeper_signal *signal = find_signal(keeper, signo);

	if (signal) {
		signal->again = signal->sent;
		return;
	}
	keeper->signals[keeper->signal_count++] = (struct keeper_signal){
		.message = {
			.type = MESSAGE_SIGNALLED,
			.signal = signo,
			.pid = pid,
			.uid = (int32_t)uid,
		},
	};
	mail_flush(keeper, ROLE_CORE);
}

static int signal_seen(struct keeper *keeper, int signo)
{
	struct keeper_signal *signal = find_signal(keeper, signo);
	struct keeper_signal *end = &keeper->signals[keeper->signal_count];

	if (!signal || !signal->sent)
		return -EBADMSG;
	if (signal->again) {
		signal->again = signal->sent = false;
		mail_flush(keeper, ROLE_CORE);
		return 0;
	}
	memmove(signal, signal + 1, (size_t)(end - signal - 1) * sizeof *signal);
	keeper->signal_count--;
	return 0;
}

void mail_signals_unsent(struct keeper *keeper)
{
	for (unsigned i = 0; i < keeper->signal_count; i++)
		keeper->signals[i].sent = keeper->signals[i].again = false;
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

static void core_is_ready(struct keeper *keeper)
{
	keeper->reaps = true;
	keeper->exits_sent = keeper->memory->exits_first;
	if (!keeper->is_ready && keeper->setup->on_ready)
		keeper->setup->on_ready(keeper->setup->data);
	keeper->is_ready = true;
	keeper_reap(keeper);
	mail_flush(keeper, ROLE_CORE);
}

/* Returns 0, or -EBADMSG for what does not make sense. Takes the descriptors. */
static int take_from_core(
	struct keeper *keeper, const union message *message, const int *fds, size_t count)
{
	int r;

	switch (message->type) {
	case MESSAGE_KEEP:
		return store_keep_consume(keeper->memory, &message->keep, fds, count);
	case MESSAGE_FORGET:
		return store_forget(keeper->memory, &message->forget);
	case MESSAGE_DROP:
		return store_drop(keeper->memory, message->row.row);
	case MESSAGE_EXIT_SEEN:
		r = exits_seen(keeper->memory, message->exit_seen.number);
		if (r == 0)
			keeper_reap(keeper); /* there may have been no room */
		return r;
	case MESSAGE_SIGNAL_SEEN:
		return signal_seen(keeper, message->signal_seen.signal);
	case MESSAGE_READY:
		core_is_ready(keeper);
		return 0;
	case MESSAGE_FINISHED:
		keeper->finishing = true;
		keeper->begins_anew = message->finished.again == 1;
		return 0;
	}
	close_all(fds, count);
	return -EBADMSG;
}

enum taken { TOOK_ONE, TOOK_NONE, TOOK_THE_END };

static enum taken take_message(struct keeper *keeper, enum role role)
{
	union message message;
	int fds[MESSAGE_FDS_MAX];
	struct reeve_channel_info info = { 0 };
	ssize_t size;
	int r;

	if (keeper->roles[role].channel < 0) /* it was found dead, and heard out, while its message was acted on */
		return TOOK_NONE;
	size = reeve_channel_receive(keeper->roles[role].channel, &message, sizeof message, fds,
		MESSAGE_FDS_MAX, &info, 0);
	if (size == 0 || size == -ECONNRESET)
		return TOOK_THE_END;
	if (size == -ETIMEDOUT)
		return TOOK_NONE;
	if (size < 0) {
		log_line(LOG_ERROR, "keeper: a message from the %s was lost: %s", role_name(role),
			reeve_error_text((int)size));
		return size == -EMSGSIZE || size == -EMFILE || size == -EBADMSG ? TOOK_ONE : TOOK_NONE;
	}
	r = message_check(&message, (size_t)size, (unsigned)info.descriptor_count);
	if (r < 0)
		close_all(fds, info.descriptor_count);
	else if (role == ROLE_CORE)
		r = take_from_core(keeper, &message, fds, info.descriptor_count);
	else {
		close_all(fds, info.descriptor_count);
		r = -EBADMSG; /* the others have nothing to say to us */
	}
	if (r < 0)
		log_line(LOG_ERROR, "keeper: dropped a senseless message (%s) from the %s",
			message_name(message.type), role_name(role));
	return TOOK_ONE;
}

void mail_drain(struct keeper *keeper, enum role role)
{
	while (keeper->roles[role].channel >= 0 && take_message(keeper, role) == TOOK_ONE)
		;
}

static enum role role_by_source(const struct keeper *keeper, const struct reeve_loop_source *source)
{
	enum role role = 0;

	while (keeper->roles[role].source != source)
		role++;
	return role;
}

/* SIGCHLD is on its way. A gateway that has ended its channel and lives on is no gateway any more. */
static void channel_ended(struct keeper *keeper, enum role role)
{
	reeve_loop_fd_set_events(keeper->roles[role].source, 0);
	if (role == ROLE_GATEWAY && keeper->roles[role].pid > 0)
		kill(keeper->roles[role].pid, SIGKILL);
}

void keeper_mail_ready(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct keeper *keeper = data;
	enum role role = role_by_source(keeper, source);

	if (events & (REEVE_LOOP_READABLE | REEVE_LOOP_HANGUP)) {
		enum taken last = TOOK_ONE;

		for (int taken = 0; taken < MESSAGES_A_ROUND && last == TOOK_ONE; taken++)
			last = take_message(keeper, role);
		if (keeper->roles[role].source != source)
			return; /* its end was heard of meanwhile */
		if (last == TOOK_THE_END) {
			channel_ended(keeper, role);
			return;
		}
	}
	if (events & REEVE_LOOP_WRITABLE)
		mail_flush(keeper, role);
}
