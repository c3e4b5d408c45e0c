/* What the keeper tells the core, and the core the keeper. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/log.h"
#include "core/events.h"
#include "core/reload.h"
#include "core/state.h"
#include "reeve/channel.h"
#include "reeve/error.h"
#include "reeve/signal.h"

/* Messages taken in one go before timers have their turn. */
#define MESSAGES_A_ROUND 256

/* The keeper waits for nothing but its messages: one that takes longer than this has gone. */
#define KEEPER_PATIENCE (10 * REEVE_SEC)

int mail_to_keeper(struct core *core, const void *message, const int *fds, size_t count)
{
	int r = reeve_channel_send(core->start->keeper, message, message_size(message), fds, count,
		KEEPER_PATIENCE);

	/* It has gone: the loop will hear the channel's end. What it was to keep is ours to hand over. */
	if (r == -EPIPE || r == -ECONNRESET) {
		core->orphaned = true;
		return 0;
	}
	return r;
}

static void take_exit(struct core *core, const struct message_exited *exited)
{
	struct process *process = process_by_pid(core, exited->pid);

	if (exited->number <= core->exit_seen)
		return; /* told twice */
	core->exit_seen = exited->number;
	if (process && process_record(process)->exit_number < exited->number)
		process_exited(process, exited);
	else if (WIFEXITED(exited->status))
		log_line(LOG_INFO, "reaped unknown pid %d (exit status %d)", (int)exited->pid,
			WEXITSTATUS(exited->status));
	else
		log_line(LOG_INFO, "reaped unknown pid %d (terminated by %s)", (int)exited->pid,
			reeve_signal_name(WTERMSIG(exited->status)));
	core_schedule_progress(core);
}

static void take_signal(struct core *core, int signo)
{
	struct message_plain reopen = { .type = MESSAGE_LOG_REOPEN };
	struct message_signal_seen seen = { .type = MESSAGE_SIGNAL_SEEN, .signal = signo };
	char why[REPLY_TEXT_SIZE];

	switch (signo) {
	case SIGTERM:
	case SIGINT:
	case SIGQUIT:
		log_line(LOG_WARN, "received %s indicating exit request", reeve_signal_name(signo));
		shutdown_begin(core, MOOD_SHUTDOWN);
		break;
	case SIGHUP:
		if (core_mood(core) == MOOD_SHUTDOWN) {
			log_line(LOG_WARN,
				"ignored SIGHUP indicating restart request (shutdown in progress)");
		} else {
			log_line(LOG_WARN, "received SIGHUP indicating restart request");
			reload(core, why, sizeof why);
		}
		break;
	case SIGUSR2:
		log_line(LOG_INFO, "received SIGUSR2 indicating log reopen request");
		outbox_send(&core->scribe, (const union message *)&reopen, -1);
		break;
	default:
		log_line(LOG_BLATHER, "received signal %d indicating nothing", signo);
	}
	mail_to_keeper(core, &seen, NULL, 0);
}

static void take_scribe(struct core *core, int channel)
{
	int r = outbox_connect_take(&core->scribe, channel);

	if (r < 0)
		log_line(LOG_ERROR, "cannot talk to the new scribe: %s", reeve_error_text(r));
	logs_open_all(core);
	events_feed(core); /* the old one may not have told of all that it put there */
}

static void take_peer(struct core *core, uint32_t role, int channel)
{
	if (role == ROLE_SCRIBE)
		take_scribe(core, channel);
	else if (role == ROLE_GATEWAY)
		control_connect_take(core, channel);
	else
		close(channel);
}

static void take(struct core *core, const union message *message, int fd)
{
	switch (message->type) {
	case MESSAGE_EXITED:
		take_exit(core, &message->exited);
		return;
	case MESSAGE_SIGNALLED:
		take_signal(core, message->signalled.signal);
		return;
	case MESSAGE_PEER_CHANGED:
		take_peer(core, message->peer.role, fd);
		return;
	}
	log_line(LOG_ERROR, "core: dropped a message that is not for it: %s",
		message_name(message->type));
	if (fd >= 0)
		close(fd);
}

/* Returns false when there is nothing more for now. */
static bool take_message(struct core *core)
{
	union message message;
	struct reeve_channel_info info = { 0 };
	int fd = -EBADF;
	ssize_t size = reeve_channel_receive(
		core->start->keeper, &message, sizeof message, &fd, 1, &info, 0);

	if (size == -ETIMEDOUT)
		return false;
	if (size == 0 || size == -ECONNRESET) {
		core->orphaned = true;
		reeve_loop_stop(core->loop, 0);
		return false;
	}
	if (size < 0 || message_check(&message, (size_t)size, (unsigned)info.descriptor_count) < 0) {
		log_line(LOG_ERROR, "core: dropped a senseless message from the keeper");
		if (size > 0 && info.descriptor_count > 0)
			close(fd);
		return true;
	}
	take(core, &message, info.descriptor_count > 0 ? fd : -EBADF);
	return true;
}

void core_mail_ready(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	int taken = 0;

	while (taken++ < MESSAGES_A_ROUND && take_message(data))
		;
}
