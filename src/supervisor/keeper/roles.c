/* Starting the roles, and starting them again. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* How long a role may take to end when it is told to: a disk that hangs must not hang the system. */
static const reeve_nsec finish_longest[ROLES] = {
	[ROLE_GATEWAY] = 3 * REEVE_SEC,
	[ROLE_SCRIBE] = 30 * REEVE_SEC,
};

/* In which order they end after the core: who logs before who writes the log. */
static const enum role finish_order[] = { ROLE_GATEWAY, ROLE_SCRIBE };

/* In which order they start. The core before the gateway: programs are not to wait for it. The scribe before the
 * core: where processes are few, its programs must leave one for the scribe. */
static const enum role start_order[ROLES] = { ROLE_SCRIBE, ROLE_CORE, ROLE_GATEWAY };

const char *role_name(enum role role)
{
	static const char *const names[ROLES] = {
		[ROLE_CORE] = "core",
		[ROLE_SCRIBE] = "scribe",
		[ROLE_GATEWAY] = "gateway",
	};

	return names[role];
}

static bool is_needed(const struct keeper *keeper, enum role role)
{
	return keeper->setup->mains[role] != NULL;
}

static _Atomic int32_t *pid_on_board(struct keeper *keeper, enum role role)
{
	struct board_header *header = keeper->setup->board->header;

	return role == ROLE_CORE ? &header->core_pid
	       : role == ROLE_SCRIBE ? &header->scribe_pid
				     : &header->gateway_pid;
}

static _Atomic uint32_t *starts_on_board(struct keeper *keeper, enum role role)
{
	struct board_header *header = keeper->setup->board->header;

	return role == ROLE_CORE ? &header->core_starts
	       : role == ROLE_SCRIBE ? &header->scribe_starts
				     : &header->gateway_starts;
}

/* ---- channels between roles ---- */

static void close_peer(struct keeper_role *role, enum role other)
{
	if (role->new_peers[other] >= 0)
		close(role->new_peers[other]);
	role->new_peers[other] = -EBADF;
}

static void close_peers(struct keeper_role *role)
{
	for (enum role other = 0; other < ROLES; other++)
		close_peer(role, other);
}

/* A new channel between two roles, for each to be born with or to be sent. */
static int make_peers(struct keeper *keeper, enum role one, enum role other)
{
	int ends[2];
	int r = reeve_channel_pair(ends);

	if (r < 0)
		return r;
	close_peer(&keeper->roles[one], other);
	close_peer(&keeper->roles[other], one);
	keeper->roles[one].new_peers[other] = ends[0];
	keeper->roles[other].new_peers[one] = ends[1];
	return 0;
}

/* ---- starting one ---- */

/* In the child: be the role, with what the keeper has but the keeper's own ends and what is other roles'. */
__attribute__((noreturn)) static void be_role(struct keeper *keeper, enum role role, int to_keeper)
{
	struct role_start start = {
		.board = keeper->setup->board,
		.memory = keeper->memory,
		.keeper = to_keeper,
		.log_read = keeper->setup->log_read,
		.log_write = keeper->setup->log_write,
		.again = keeper->roles[role].starts > 0,
		.settings = keeper->setup->settings,
	};
	char name[16];

	snprintf(name, sizeof name, "reeve-%s", role_name(role));
	prctl(PR_SET_NAME, name, 0, 0, 0);
	memcpy(start.peers, keeper->roles[role].new_peers, sizeof start.peers);
	for (enum role other = 0; other < ROLES; other++) {
		if (keeper->roles[other].channel >= 0)
			close(keeper->roles[other].channel);
		if (other != role)
			close_peers(&keeper->roles[other]);
	}
	reeve_loop_free(keeper->loop);
	keeper_leave_signals(keeper);
	_exit(keeper->setup->mains[role](&start));
}

/* Start a role with its new channels to the others, which are its own then, also on failure. */
static int start_role(struct keeper *keeper, enum role which)
{
	struct keeper_role *role = &keeper->roles[which];
	int ends[2];
	pid_t pid;
	int r;

	r = reeve_channel_pair(ends);
	if (r < 0) {
		close_peers(role);
		return r;
	}
	pid = reeve_process_fork();
	if (pid == 0) {
		close(ends[0]);
		be_role(keeper, which, ends[1]);
	}
	close(ends[1]);
	close_peers(role);
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

/* ---- starting one again ---- */

/* With a new channel to each of the others, who are told. Those that don't run now get another one when they do. */
static int start_again(struct keeper *keeper, enum role which)
{
	int r = 0;

	for (enum role other = 0; r == 0 && other < ROLES; other++)
		if (other != which && is_needed(keeper, other))
			r = make_peers(keeper, which, other);
	if (r == 0)
		r = start_role(keeper, which);
	for (enum role other = 0; r == 0 && other < ROLES; other++)
		if (other != which)
			mail_flush(keeper, other);
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

static void could_not_start(struct keeper *keeper, enum role which, int error)
{
	log_line(LOG_CRITICAL, "keeper: cannot start the %s: %s", role_name(which),
		reeve_error_text(error));
	keeper->roles[which].quick_deaths++;
	start_later(keeper, which);
}

static void try_start(struct keeper *keeper, enum role which)
{
	int r = start_again(keeper, which);

	if (r < 0)
		could_not_start(keeper, which, r);
}

static void restart_due(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct keeper *keeper = data;
	enum role which = 0;

	while (keeper->roles[which].restart != source)
		which++;
	if (!keeper->finishing)
		try_start(keeper, which);
}

/* ---- the beginning ---- */

static int make_all_peers(struct keeper *keeper)
{
	int r = 0;

	for (enum role one = 0; one < ROLES; one++)
		for (enum role other = 0; r == 0 && other < one; other++)
			if (is_needed(keeper, one) && is_needed(keeper, other))
				r = make_peers(keeper, one, other);
	return r;
}

/* All start, or nothing has begun; but for the gateway nothing has to wait. */
int roles_start(struct keeper *keeper)
{
	int r = make_all_peers(keeper);

	for (int i = 0; r == 0 && i < ROLES; i++) {
		enum role which = start_order[i];

		if (!is_needed(keeper, which))
			continue;
		r = start_role(keeper, which);
		if (r < 0 && which == ROLE_GATEWAY) {
			could_not_start(keeper, which, r);
			r = 0;
		}
	}
	return r;
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

/* ---- when one has ended ---- */

static void forget(struct keeper *keeper, enum role which)
{
	struct keeper_role *role = &keeper->roles[which];

	role->source = reeve_loop_source_free(role->source);
	if (role->channel >= 0)
		close(role->channel);
	role->channel = -EBADF;
	close_peers(role);
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

/* ---- the end ---- */

/* The one whose turn it is to end; ROLES: none is left. */
static enum role ending(const struct keeper *keeper)
{
	for (size_t i = 0; i < sizeof finish_order / sizeof finish_order[0]; i++)
		if (keeper->roles[finish_order[i]].pid > 0)
			return finish_order[i];
	return ROLES;
}

static void overdue(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct keeper *keeper = data;
	enum role which = ending(keeper);

	if (which < ROLES)
		kill(keeper->roles[which].pid, SIGKILL);
}

/* The end of its channel tells a role to finish what it has. */
void roles_finish(struct keeper *keeper)
{
	struct keeper_role *role;
	enum role which = ending(keeper);

	if (keeper->roles[ROLE_CORE].pid > 0)
		return;
	if (which == ROLES) {
		for (enum role left = 0; left < ROLES; left++)
			close_peers(&keeper->roles[left]); /* of those that were still to start */
		reeve_loop_stop(keeper->loop, 0);
		return;
	}
	role = &keeper->roles[which];
	if (role->channel < 0)
		return;
	role->source = reeve_loop_source_free(role->source);
	close(role->channel);
	role->channel = -EBADF;
	reeve_loop_timer_start(keeper->overdue, finish_longest[which], 0);
}

/* ---- before all ---- */

int roles_prepare(struct keeper *keeper)
{
	int r = reeve_loop_add_timer(keeper->loop, overdue, keeper, &keeper->overdue);

	if (r < 0)
		return r;
	for (enum role which = 0; which < ROLES; which++) {
		r = reeve_loop_add_timer(
			keeper->loop, restart_due, keeper, &keeper->roles[which].restart);
		if (r < 0)
			return r;
		keeper->roles[which].channel = -EBADF;
		for (enum role other = 0; other < ROLES; other++)
			keeper->roles[which].new_peers[other] = -EBADF;
	}
	return 0;
}
