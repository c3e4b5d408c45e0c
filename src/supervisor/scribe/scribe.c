#include "scribe/scribe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "board/feed.h"
#include "board/log.h"
#include "reeve/channel.h"
#include "reeve/error.h"
#include "reeve/signal.h"
#include "scribe/journal.h"
#include "scribe/state.h"

/* Messages taken in one go before others have their turn. */
#define MESSAGES_A_ROUND 64

/* How long those who read what is no file are waited for at the end. */
#define FINISH_LONGEST (5 * REEVE_SEC)

/* ---- the end ---- */

static void answer_and_stop(void *data)
{
	struct scribe *scribe = data;
	struct message_plain message = { .type = MESSAGE_LOG_FINISHED };

	if (scribe->peers[ROLE_CORE] >= 0 && scribe->answers)
		reeve_channel_send(scribe->peers[ROLE_CORE], &message, sizeof message, NULL, 0, REEVE_SEC);
	reeve_loop_stop(scribe->loop, 0);
}

static void finish_overdue(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	log_line(LOG_WARN, "scribe: output is left behind: its reader does not take it");
	stream_set_deinit(&((struct scribe *)data)->streams);
	answer_and_stop(data);
}

static void finish(struct scribe *scribe, bool answers)
{
	scribe->answers = scribe->answers || answers;
	if (scribe->finishing)
		return;
	scribe->finishing = true;
	if (reeve_loop_add_timer(scribe->loop, finish_overdue, scribe, &scribe->overdue) == 0)
		reeve_loop_timer_start(scribe->overdue, FINISH_LONGEST, 0);
	stream_set_close(&scribe->streams);
}

/* ---- messages ---- */

static void open_stream(struct scribe *scribe, const struct message_log_open *open, int fd_consume)
{
	int r;

	if (open->stream == STREAM_SELF && scribe->log_read >= 0) {
		if (fd_consume < 0)
			fd_consume = scribe->log_read;
		else
			close(scribe->log_read);
		scribe->log_read = -EBADF;
	}
	if (open->path[0] != '\0' && open->path[0] != '/') {
		if (fd_consume >= 0)
			close(fd_consume);
		r = -EINVAL;
	} else {
		r = stream_open(&scribe->streams, open, fd_consume);
	}
	if (r < 0)
		log_line(LOG_ERROR, "scribe: cannot take over the log of '%s': %s", open->name,
			reeve_error_text(r));
}

/* The gateway's questions wait until they can be answered rightly. */
static void listen_to_gateway(struct scribe *scribe)
{
	if (scribe->peer_sources[ROLE_GATEWAY])
		reeve_loop_fd_set_events(
			scribe->peer_sources[ROLE_GATEWAY], scribe->knows_all ? REEVE_LOOP_READABLE : 0);
}

void scribe_act(struct scribe *scribe, const union message *message, int fd_consume)
{
	struct stream *stream;

	if (message->type == MESSAGE_LOG_OPEN && !scribe->finishing) {
		open_stream(scribe, &message->log_open, fd_consume);
		return;
	}
	if (fd_consume >= 0)
		close(fd_consume);
	switch (message->type) {
	case MESSAGE_LOG_CLOSE:
	case MESSAGE_LOG_CLEAR:
		/* A stream may have ended by itself: that there is none is no fault. */
		stream = stream_find(&scribe->streams, message->stream.stream);
		if (stream && message->type == MESSAGE_LOG_CLOSE)
			stream_close(stream);
		else if (stream)
			stream_clear(stream);
		break;
	case MESSAGE_LOG_ALL:
		scribe->knows_all = true;
		listen_to_gateway(scribe);
		break;
	case MESSAGE_LOG_REOPEN:
		target_set_reopen(&scribe->targets);
		break;
	case MESSAGE_LOG_ROOM:
		stream_set_feed_has_room(&scribe->streams);
		break;
	case MESSAGE_LOG_FINISH:
		finish(scribe, true);
		break;
	case MESSAGE_LOG_OPEN: /* too late */
		break;
	default:
		log_line(LOG_ERROR, "scribe: dropped a %s, which is not for it",
			message_name(message->type));
	}
}

/* Where the gateway takes no answer it gets none: it is killed or stopped, and nobody waits for it. */
void scribe_answer(struct scribe *scribe, const union message *message, int fd_consume)
{
	struct message_log_file answer = { .type = MESSAGE_LOG_FILE, .error = -ENOENT };
	struct stream *stream;
	int fd = -EBADF;

	if (fd_consume >= 0)
		close(fd_consume);
	if (message->type != MESSAGE_LOG_READ) {
		log_line(LOG_ERROR, "scribe: dropped a %s, which is not for it",
			message_name(message->type));
		return;
	}
	stream = stream_find(&scribe->streams, message->log_read.stream);
	if (stream)
		fd = answer.error = stream_open_to_read(stream);
	if (fd >= 0)
		answer.error = 0;
	answer.number = message->log_read.number;
	if (scribe->peers[ROLE_GATEWAY] >= 0)
		reeve_channel_send(scribe->peers[ROLE_GATEWAY], &answer, sizeof answer, &fd, fd >= 0, 0);
	if (fd >= 0)
		close(fd);
}

/* Receive one. Returns its type, 0 at the end of the channel, or a negative errno; -ETIMEDOUT: no more. A
 * message that comes with a descriptor has it in *ret_fd, the caller's; others -EBADF. */
static int receive(int channel, union message *message, int *ret_fd)
{
	struct reeve_channel_info info;
	int fds[MESSAGE_FDS_MAX];
	ssize_t size;
	int r;

	*ret_fd = -EBADF;
	size = reeve_channel_receive(channel, message, sizeof *message, fds, MESSAGE_FDS_MAX, &info, 0);
	if (size <= 0)
		return (int)size;
	r = message_check(message, (size_t)size, (unsigned)info.descriptor_count);
	for (size_t i = 0; i < info.descriptor_count; i++)
		if (r > 0 && i == 0)
			*ret_fd = fds[i];
		else
			close(fds[i]);
	return r;
}

/* These say that the channel works on; others that it is of no use any more. */
static bool is_only_this_message(int error)
{
	return error == -EBADMSG || error == -EMSGSIZE || error == -EMFILE;
}

static void drop_peer(struct scribe *scribe, enum role role)
{
	scribe->peer_sources[role] = reeve_loop_source_free(scribe->peer_sources[role]);
	if (scribe->peers[role] >= 0)
		close(scribe->peers[role]);
	scribe->peers[role] = -EBADF;
}

/* Take what a role sent, at most `most` messages. */
static void hear(struct scribe *scribe, enum role role, unsigned most)
{
	while (scribe->peers[role] >= 0 && most-- > 0) {
		union message message;
		int fd, r = receive(scribe->peers[role], &message, &fd);

		if (r == -ETIMEDOUT)
			return;
		if (r > 0 && role == ROLE_CORE)
			scribe_act(scribe, &message, fd);
		else if (r > 0)
			scribe_answer(scribe, &message, fd);
		else if (is_only_this_message(r))
			log_line(LOG_ERROR, "scribe: dropped a message from the %s: %s",
				role == ROLE_CORE ? "core" : "gateway", reeve_error_text(r));
		else
			drop_peer(scribe, role);
	}
}

static void on_peer(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct scribe *scribe = data;

	hear(scribe, source == scribe->peer_sources[ROLE_CORE] ? ROLE_CORE : ROLE_GATEWAY,
		MESSAGES_A_ROUND);
}

/* A core that cannot be told now has messages to take, and looks then; a new one is told when its channel comes, for what
 * was told to the old one's end may have reached nobody. */
static void tell_fed(void *data)
{
	struct scribe *scribe = data;
	struct message_plain message = { .type = MESSAGE_LOG_FED };

	if (scribe->peers[ROLE_CORE] >= 0)
		reeve_channel_send(scribe->peers[ROLE_CORE], &message, sizeof message, NULL, 0, 0);
}

static int take_peer(struct scribe *scribe, enum role role, int channel_consume)
{
	int r;

	if (role == ROLE_CORE)
		hear(scribe, role, UINT32_MAX); /* what the old one still said */
	drop_peer(scribe, role);
	scribe->peers[role] = channel_consume;
	r = reeve_loop_add_fd(scribe->loop, channel_consume, REEVE_LOOP_READABLE, on_peer, scribe,
		&scribe->peer_sources[role]);
	if (r < 0)
		drop_peer(scribe, role);
	else if (role == ROLE_GATEWAY)
		listen_to_gateway(scribe);
	else if (role == ROLE_CORE && scribe->streams.feed && feed_end(scribe->streams.feed) != feed_begin(scribe->streams.feed))
		tell_fed(scribe);
	return r;
}

static void drop_keeper(struct scribe *scribe)
{
	scribe->keeper_source = reeve_loop_source_free(scribe->keeper_source);
	close(scribe->keeper);
	scribe->keeper = -EBADF;
}

static void on_keeper(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct scribe *scribe = data;
	union message message;
	int channel, r;

	r = receive(scribe->keeper, &message, &channel);
	if (r == -ETIMEDOUT)
		return;
	if (r == MESSAGE_PEER_CHANGED && message.peer.role != ROLE_SCRIBE) {
		r = take_peer(scribe, message.peer.role, channel);
		if (r == 0)
			return;
	} else if (channel >= 0) {
		close(channel);
	}
	if (r > 0)
		r = -EBADMSG;
	if (r < 0)
		log_line(LOG_ERROR, "scribe: dropped a message from the keeper: %s", reeve_error_text(r));
	if (r < 0 && is_only_this_message(r))
		return;
	if (r == 0) {
		hear(scribe, ROLE_CORE, UINT32_MAX);
		drop_keeper(scribe);
		finish(scribe, false);
	}
}

/* ---- the beginning ---- */

int scribe_init(struct scribe *scribe, const struct scribe_setup *setup)
{
	int r;

	*scribe = (struct scribe){ .keeper = -EBADF, .log_read = setup->log_read };
	for (enum role role = 0; role < ROLES; role++)
		scribe->peers[role] = -EBADF;
	r = reeve_loop_new(&scribe->loop);
	if (r < 0)
		return r;
	scribe->journal = setup->journal;
	if (!scribe->journal) {
		r = scribe_journal_new(&scribe->own_journal);
		if (r < 0)
			return r;
		scribe->journal = scribe->own_journal;
	}
	syslog_init(&scribe->syslog, setup->syslog_path ? setup->syslog_path : "/dev/log",
		setup->syslog_ident ? setup->syslog_ident : "supervisord");
	target_set_init(&scribe->targets, scribe->loop, scribe->journal);
	scribe->streams = (struct stream_set){
		.loop = scribe->loop,
		.journal = scribe->journal,
		.targets = &scribe->targets,
		.syslog = &scribe->syslog,
		.feed = setup->feed,
		.fed = tell_fed,
		.finished = answer_and_stop,
		.data = scribe,
	};
	return stream_set_init(&scribe->streams);
}

void scribe_deinit(struct scribe *scribe)
{
	if (scribe->loop)
		stream_set_deinit(&scribe->streams);
	syslog_deinit(&scribe->syslog);
	for (enum role role = 0; role < ROLES; role++)
		drop_peer(scribe, role);
	if (scribe->keeper >= 0)
		drop_keeper(scribe);
	if (scribe->log_read >= 0)
		close(scribe->log_read);
	scribe_journal_free(scribe->own_journal);
	reeve_loop_free(scribe->loop);
}

static int watch_channels(struct scribe *scribe, const struct scribe_setup *setup)
{
	int r;

	scribe->keeper = setup->keeper_channel;
	r = reeve_loop_add_fd(scribe->loop, scribe->keeper, REEVE_LOOP_READABLE, on_keeper, scribe,
		&scribe->keeper_source);
	if (r == 0 && setup->core_channel >= 0)
		r = take_peer(scribe, ROLE_CORE, setup->core_channel);
	if (r == 0 && setup->gateway_channel >= 0)
		r = take_peer(scribe, ROLE_GATEWAY, setup->gateway_channel);
	return r;
}

/* Two descriptors a stream: as many as may be. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void recover(struct scribe_journal *journal, struct feed *feed)
{
	ssize_t r = journal_recover(journal, feed);

	if (r > 0)
		log_line(LOG_INFO, "scribe: wrote the %zd bytes that the last one was killed with", r);
	else if (r < 0)
		log_line(LOG_ERROR, "scribe: cannot write the bytes that the last one was killed with: %s",
			reeve_error_text((int)r));
}

int scribe_run(const struct scribe_setup *setup)
{
	struct scribe scribe;
	int r;

	log_to(setup->log_fd, setup->log_level);
	reeve_signal_mask(REEVE_SIGNAL_SETMASK, REEVE_SIGNAL_ALL, NULL);
	raise_file_limit();
	r = scribe_init(&scribe, setup);
	if (r == 0) {
		recover(scribe.journal, setup->feed);
		r = watch_channels(&scribe, setup);
	}
	if (r == 0)
		r = reeve_loop_run(scribe.loop);
	if (r < 0)
		log_line(LOG_CRITICAL, "scribe: %s", reeve_error_text(r));
	scribe_deinit(&scribe);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
