#include "keeper/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "board/log.h"
#include "keeper/exits.h"
#include "keeper/state.h"
#include "keeper/store.h"
#include "reeve/error.h"
#include "reeve/signal.h"

/* What the keeper acts on; the rest of the signals do what they always do. */
static const int watched[WATCHED] = { SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2 };

/* The role that has this pid, or ROLES. */
static enum role role_by_pid(const struct keeper *keeper, pid_t pid)
{
	enum role role = 0;

	while (role < ROLES && keeper->roles[role].pid != pid)
		role++;
	return role;
}

/* The core is told first, and can start a successor while the process is taken apart. Returns whether there was
 * one to reap. */
static bool reap_one(struct keeper *keeper)
{
	struct reeve_process_outcome outcome;
	enum role role;

	if (reeve_process_wait_pid(-1, REEVE_PROCESS_WAIT_ENDED | REEVE_PROCESS_WAIT_PEEK, 0, &outcome) <= 0)
		return false;
	role = role_by_pid(keeper, outcome.pid);
	if (role == ROLES) {
		exits_add(keeper->memory, &outcome);
		mail_flush(keeper, ROLE_CORE);
	}
	if (reeve_process_wait_pid(outcome.pid, REEVE_PROCESS_WAIT_ENDED, 0, NULL) <= 0)
		return false;
	if (role < ROLES)
		roles_ended(keeper, role, &outcome);
	return true;
}

static void reap_roles_only(struct keeper *keeper)
{
	struct reeve_process_outcome outcome;

	for (enum role role = 0; role < ROLES; role++)
		if (keeper->roles[role].pid > 0 &&
			reeve_process_wait_pid(keeper->roles[role].pid, REEVE_PROCESS_WAIT_ENDED, 0,
				&outcome) > 0)
			roles_ended(keeper, role, &outcome);
}

void keeper_reap(struct keeper *keeper)
{
	while (keeper->reaps && exits_have_room(keeper->memory) && reap_one(keeper))
		;
	if (!keeper->reaps || !exits_have_room(keeper->memory))
		reap_roles_only(keeper);
	mail_flush(keeper, ROLE_CORE);
}

/* Called wherever signals are dispatched: by signals_due(), or by a wait of the loop that one interrupted. */
static void signalled(const struct reeve_signal_event *event, void *data)
{
	struct keeper *keeper = data;

	if (event->signo == SIGCHLD)
		reeve_loop_deferred_schedule(keeper->reaper);
	else
		mail_signal(keeper, event->signo, event->pid, event->uid);
}

static void signals_due(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	reeve_signal_dispatch();
}

/* Not from within the dispatch of signals: what is reaped may be a role, and the new one's process is to begin
 * outside of it. */
static void reap_due(struct reeve_loop_source *source, void *data)
{
	keeper_reap(data);
}

static int prepare_memory(struct keeper *keeper)
{
	if (keeper->setup->memory) {
		keeper->memory = keeper->setup->memory;
		keeper->exits_sent = keeper->memory->exits_first;
		keeper->roles[ROLE_CORE].starts = 1;
		keeper->is_ready = true;
		return 0;
	}
	/* Large, and untouched but where it is used. Private: a role has the copy it was born with. */
	keeper->memory = calloc(1, sizeof *keeper->memory);
	if (!keeper->memory)
		return -ENOMEM;
	keeper->memory->readings[0] = keeper->setup->snapshot + 1;
	keeper->memory->exits_first = keeper->memory->exits_next = 1;
	keeper->exits_sent = 1;
	return 0;
}

/* From before the first role is forked: what arrives waits until it is listened to, and roles are born with this
 * mask, so that what a terminal sends to all is for the keeper alone. */
static void hold_signals(const struct keeper *keeper)
{
	reeve_signal_set held = REEVE_SIGNAL_NONE;

	for (int i = 0; i < WATCHED; i++)
		held |= REEVE_SIGNAL_SET(watched[i]);
	reeve_signal_mask(REEVE_SIGNAL_BLOCK, held, NULL);
	if (keeper->setup->memory) /* we were a role: what came until now was not for us */
		while (reeve_signal_wait_for(held, 0, NULL) > 0)
			;
}

static int listen_to_signals(struct keeper *keeper)
{
	int fd, r;

	r = reeve_loop_defer(keeper->loop, reap_due, keeper, &keeper->reaper);
	for (int i = 0; r == 0 && i < WATCHED; i++)
		r = reeve_signal_subscribe(watched[i], signalled, keeper, &keeper->subscriptions[i]);
	if (r < 0)
		return r;
	fd = reeve_signal_fd();
	if (fd < 0)
		return fd;
	return reeve_loop_add_fd(keeper->loop, fd, REEVE_LOOP_READABLE, signals_due, keeper,
		&keeper->signal_source);
}

static int prepare(struct keeper *keeper)
{
	int r = prepare_memory(keeper);

	hold_signals(keeper);
	if (r == 0)
		r = reeve_loop_new(&keeper->loop);
	if (r == 0)
		r = roles_prepare(keeper);
	return r;
}

/* A role: signals stay blocked, and are not asked for. */
void keeper_leave_signals(struct keeper *keeper)
{
	for (int i = 0; i < WATCHED; i++)
		keeper->subscriptions[i] = reeve_signal_unsubscribe(keeper->subscriptions[i]);
	reeve_signal_shutdown();
}

/* What the core was not told of, or did not act on before it ended, is the next one's: it is blocked, and waits. */
static void hand_on_signals(const struct keeper *keeper)
{
	for (unsigned i = 0; i < keeper->signal_count; i++)
		reeve_signal_raise(keeper->signals[i].message.signal);
}

/* Release everything but the next snapshot, which is returned; negative: there is none. */
static int release(struct keeper *keeper)
{
	struct keeper_memory *memory = keeper->memory;
	int next = -EBADF;

	for (int i = 0; i < WATCHED; i++)
		reeve_signal_unsubscribe(keeper->subscriptions[i]);
	if (keeper->begins_anew)
		hand_on_signals(keeper);
	reeve_loop_free(keeper->loop);
	if (memory) {
		store_drop_all(memory, atomic_load(&keeper->setup->board->header->rows));
		next = memory->next_snapshot - 1;
		store_drop_readings(memory);
	}
	free(memory);
	return next;
}

int keeper_run(const struct keeper_setup *setup, int *ret_snapshot)
{
	struct keeper keeper = { .setup = setup };
	int next, r;

	r = prepare(&keeper);
	if (r == 0)
		r = roles_start(&keeper); /* first: they need not undo what is done for signals */
	if (r == 0)
		r = listen_to_signals(&keeper);
	if (r < 0)
		roles_kill(&keeper);
	if (r == 0) {
		setup->on_begun(setup->data);
		/* No more than an interruption ends the loop before the core does. */
		do
			r = reeve_loop_run(keeper.loop);
		while (r == -EINTR);
	}
	if (r == 0 && keeper.failed)
		r = -ECHILD;
	next = release(&keeper);
	if (r == 0 && keeper.begins_anew && next >= 0) {
		*ret_snapshot = next;
		return KEEPER_AGAIN;
	}
	if (next >= 0)
		close(next);
	return r < 0 ? r : KEEPER_FINISHED;
}
