/* Starting the roles, and starting them again. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "board/log.h"
#include "keeper/exits.h"
#include "keeper/state.h"
#include "reeve/channel.h"
#include "reeve/error.h"

/* A role that lived shorter than this died quickly, and waits before it is started again: a tenth of a second
 * the second time in a row, then twice as long each time up to the longest wait. */
#define QUICK_DEATH REEVE_SEC
#define RESTART_WAIT (100 * REEVE_MSEC)
#define RESTART_WAIT_LONGEST (10 * REEVE_SEC)

/* How long the scribe may take to write what it has at the end: a disk that hangs must not hang the system. */
#define SCRIBE_FINISH_LONGEST (30 * REEVE_SEC)

const char *role_name(enum role role)
{
	return role == ROLE_CORE ? "core" : "scribe";
}

static _Atomic int32_t *pid_on_board(struct keeper *keeper, enum role role)
{
	struct board_header *header = keeper->setup->board->header;

	return role == ROLE_CORE ? &header->core_pid : &header->scribe_pid;
}

static _Atomic uint32_t *starts_on_board(struct keeper *keeper, enum role role)
{
	struct board_header *header = keeper->setup->board->header;

	return role == ROLE_CORE ? &header->core_starts : &header->scribe_starts;
}

/* In the child: be the role, with what the keeper has but the keeper's own ends. */
__attribute__((noreturn)) static void be_role(
	struct keeper *keeper, enum role role, int to_keeper, int peer)
{
	struct role_start start = {
		.board = keeper->setup->board,
		.memory = keeper->memory,
		.keeper = to_keeper,
		.peer = peer,
		.log_read = keeper->setup->log_read,
		.log_write = keeper->setup->log_write,
		.again = keeper->roles[role].starts > 0,
		.settings = keeper->setup->settings,
	};
	char name[16];

	snprintf(name, sizeof name, "reeve-%s", role_name(role));
	prctl(PR_SET_NAME, name, 0, 0, 0);
	for (enum role other = 0; other < ROLES; other++) {
		if (keeper->roles[other].channel >= 0)
			close(keeper->roles[other].channel);
		if (keeper->roles[other].new_peer >= 0)
			close(keeper->roles[other].new_peer);
	}
	reeve_loop_free(keeper->loop);
	keeper_leave_signals(keeper);
	_exit(keeper->setup->mains[role](&start));
}

/* Start a role with `peer_consume`, its end of the channel to the other one. */
static int start_role(struct keeper *keeper, enum role which, int peer_consume)
{
	struct keeper_role *role = &keeper->roles[which];
	int ends[2];
	pid_t pid;
	int r;

	r = reeve_channel_pair(ends);
	if (r < 0) {
		close(peer_consume);
		return r;
	}
	pid = reeve_process_fork();
	if (pid == 0) {
		close(ends[0]);
		be_role(keeper, which, ends[1], peer_consume);
	}
	close(ends[1]);
	close(peer_consume);
	if (pid < 0) {
		close(ends[0]);
		return pid;
	}
	role->pid = pid;
	role->starts++;
	role->channel = ends[0];
	role->started = reeve_now();
	atomic_store(pid_on_board(keeper, which), pid);
	atomic_fetch_add(starts_on_board(keeper, which), 1);
	r = reeve_loop_add_fd(keeper->loop, role->channel, REEVE_LOOP_READABLE, keeper_mail_ready, keeper,
		&role->source);
	if (r < 0)
		kill(pid, SIGKILL); /* its end will be heard of, and it is tried again */
	return 0;
}

int roles_start(struct keeper *keeper)
{
	int peers[2];
	int r;

	r = reeve_channel_pair(peers);
	if (r < 0)
		return r;
	/* The core last: where processes are few, its programs must not leave none for the scribe. */
	keeper->roles[ROLE_CORE].new_peer = peers[0]; /* which the scribe closes */
	r = start_role(keeper, ROLE_SCRIBE, peers[1]);
	keeper->roles[ROLE_CORE].new_peer = -EBADF;
	if (r < 0) {
		close(peers[0]);
		return r;
	}
	return start_role(keeper, ROLE_CORE, peers[0]);
}

void roles_kill(struct keeper *keeper)
{
	for (enum role which = 0; which < ROLES; which++) {
		pid_t pid = keeper->roles[which].pid;

		if (pid <= 0)
			continue;
		kill(pid, SIGKILL);
		reeve_process_wait_pid(pid, REEVE_PROCESS_WAIT_ENDED, REEVE_FOREVER, NULL);
	}
}

/* One of them runs: make a new channel between the two, start the other, and tell the one. */
static int start_again(struct keeper *keeper, enum role which)
{
	struct keeper_role *other = &keeper->roles[which == ROLE_CORE ? ROLE_SCRIBE : ROLE_CORE];
	int peers[2];
	int r;

	r = reeve_channel_pair(peers);
	if (r < 0)
		return r;
	if (other->new_peer >= 0)
		close(other->new_peer);
	other->new_peer = peers[1];
	r = start_role(keeper, which, peers[0]);
	if (r == 0)
		mail_flush(keeper, other == &keeper->roles[ROLE_CORE] ? ROLE_CORE : ROLE_SCRIBE);
	return r;
}

static void start_later(struct keeper *keeper, enum role which)
{
	struct keeper_role *role = &keeper->roles[which];
	reeve_nsec wait = RESTART_WAIT;

	for (unsigned i = 2; i < role->quick_deaths && wait < RESTART_WAIT_LONGEST; i++)
		wait *= 2;
	reeve_loop_timer_start(role->restart, wait < RESTART_WAIT_LONGEST ? wait : RESTART_WAIT_LONGEST, 0);
}

static void try_start(struct keeper *keeper, enum role which)
{
	int r = start_again(keeper, which);

	if (r == 0)
		return;
	log_line(LOG_CRITICAL, "keeper: cannot start the %s: %s", role_name(which),
		reeve_error_text(r));
	keeper->roles[which].quick_deaths++;
	start_later(keeper, which);
}

static void restart_due(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct keeper *keeper = data;

	try_start(keeper, source == keeper->roles[ROLE_CORE].restart ? ROLE_CORE : ROLE_SCRIBE);
}

int roles_prepare(struct keeper *keeper)
{
	for (enum role which = 0; which < ROLES; which++) {
		int r = reeve_loop_add_timer(
			keeper->loop, restart_due, keeper, &keeper->roles[which].restart);

		if (r < 0)
			return r;
		keeper->roles[which].channel = -EBADF;
		keeper->roles[which].new_peer = -EBADF;
	}
	return 0;
}

static void forget(struct keeper *keeper, enum role which)
{
	struct keeper_role *role = &keeper->roles[which];

	role->source = reeve_loop_source_free(role->source);
	if (role->channel >= 0)
		close(role->channel);
	role->channel = -EBADF;
	if (role->new_peer >= 0)
		close(role->new_peer);
	role->new_peer = -EBADF;
	role->pid = 0;
	atomic_store(pid_on_board(keeper, which), 0);
}

void roles_ended(struct keeper *keeper, enum role which, const struct reeve_process_outcome *outcome)
{
	struct keeper_role *role = &keeper->roles[which];
	char how[64];
	pid_t pid = role->pid;

	/* What it still said counts: the FINISHED of a core that ends is read here at the latest. */
	mail_drain(keeper, which);
	forget(keeper, which);
	if (which == ROLE_CORE) {
		keeper->reaps = false;
		mail_signals_unsent(keeper);
	}
	if (which == ROLE_CORE && !keeper->is_ready && outcome->how == REEVE_PROCESS_EXITED)
		keeper->finishing = keeper->failed = true; /* it has said why */
	if (keeper->finishing) {
		roles_finish(keeper);
		return;
	}
	reeve_process_outcome_text(outcome, how, sizeof how);
	log_line(LOG_CRITICAL, "keeper: the %s (pid %d) %s; starting it again", role_name(which),
		(int)pid, how);
	role->quick_deaths = reeve_now() - role->started < QUICK_DEATH ? role->quick_deaths + 1 : 0;
	if (role->quick_deaths > 1)
		start_later(keeper, which);
	else
		try_start(keeper, which);
}

static void overdue(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct keeper *keeper = data;

	if (keeper->roles[ROLE_SCRIBE].pid > 0)
		kill(keeper->roles[ROLE_SCRIBE].pid, SIGKILL);
}

/* The core has ended for good: end the scribe, whose channel's end tells it to finish what it has. */
void roles_finish(struct keeper *keeper)
{
	struct keeper_role *scribe = &keeper->roles[ROLE_SCRIBE];

	if (keeper->roles[ROLE_CORE].pid > 0)
		return;
	if (scribe->pid == 0) {
		reeve_loop_stop(keeper->loop, 0);
		return;
	}
	if (scribe->channel < 0)
		return;
	scribe->source = reeve_loop_source_free(scribe->source);
	close(scribe->channel);
	scribe->channel = -EBADF;
	reeve_loop_add_timer(keeper->loop, overdue, keeper, &keeper->overdue);
	reeve_loop_timer_start(keeper->overdue, SCRIBE_FINISH_LONGEST, 0);
}
