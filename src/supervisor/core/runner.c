/* The life of a process: lifecycle.h's table with a clock, a board and a program. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "board/log.h"
#include "core/events.h"
#include "core/listener_link.h"
#include "core/state.h"
#include "core/waiters.h"
#include "reeve/error.h"
#include "reeve/signal.h"

/* A program that has ended is started again at once, but not more often than this: supervisord, whose loop turns
 * once a second, never did, and a program with startsecs=0 that ends at once must not take the machine. */
#define RESTART_INTERVAL REEVE_SEC

/* `seconds` of a configuration, which may be anything, as a duration. */
static reeve_nsec seconds(int64_t count)
{
	if (count <= 0)
		return 0;
	return count > INT64_MAX / REEVE_SEC / 2 ? INT64_MAX / 2 : count * REEVE_SEC;
}

/* ---- the state's time ---- */

static void time_is_up(struct process *process)
{
	bool ending = core_mood(process->group->core) < MOOD_RUNNING;

	switch (process_state(process)) {
	case STATE_STARTING:
		process_event(process, LIFECYCLE_STAYED_UP);
		break;
	case STATE_BACKOFF:
		if (!ending)
			process_event(process, LIFECYCLE_RETRY_DUE);
		break;
	case STATE_STOPPING:
		process_event(process, LIFECYCLE_STOP_OVERDUE);
		break;
	case STATE_EXITED:
		if (!ending)
			process_event(process, LIFECYCLE_START);
		break;
	default:
		break;
	}
}

static void timer_fired(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	time_is_up(data);
}

/* Let the state end at `due`, a point on CLOCK_MONOTONIC; 0: not by itself. */
static void set_due(struct process *process, reeve_nsec due)
{
	struct board_record *record = process_begin(process);
	int r = 0;

	record->due = due;
	process_end(process);
	if (due == 0) {
		if (process->timer)
			reeve_loop_timer_stop(process->timer);
		return;
	}
	if (!process->timer)
		r = reeve_loop_add_timer(
			process->group->core->loop, timer_fired, process, &process->timer);
	if (r < 0)
		log_line(LOG_CRITICAL, "no timer for '%s': %s", process_name(process),
			reeve_error_text(r));
	else
		reeve_loop_timer_start_at(process->timer, due, 0);
}

/* ---- the steps ---- */

/* One write: a core that is killed here has entered the state with all that belongs to it, or nothing. `due` 0
 * says that what the state begins with is still to be done. */
static void enter(struct process *process, enum process_state state)
{
	struct board_record *record = process_begin(process);

	if (record->state != (int32_t)state)
		record->changed_wall = time(NULL);
	record->state = state;
	record->due = 0;
	if (state == STATE_STARTING) {
		record->error[0] = '\0';
		record->has_status = 0;
		record->status = 0;
		record->starts++;
		record->started = reeve_now();
		record->started_wall = time(NULL);
	}
	process_end(process);
	waiters_look(process);
	if (process_state_is_stopped(state))
		core_schedule_progress(process->group->core);
}

static void forget_failures(struct process *process)
{
	struct board_record *record = process_begin(process);

	record->failures = 0;
	process_end(process);
}

static reeve_nsec up_at(const struct process *process)
{
	return process_record(process)->started + seconds(process->settings->startsecs);
}

static void spawn(struct process *process)
{
	set_due(process, up_at(process));
	if (process_spawn(process) < 0)
		process_event(process, LIFECYCLE_SPAWN_FAILED);
}

static void wait_to_retry(struct process *process)
{
	struct board_record *record = process_begin(process);
	uint32_t failures = ++record->failures;

	process_end(process);
	if (failures <= process->settings->startretries) {
		set_due(process, reeve_now() + failures * REEVE_SEC);
		return;
	}
	process_event(process, LIFECYCLE_GIVE_UP);
	log_line(LOG_INFO, "gave up: %s entered FATAL state, too many start retries too quickly",
		process_name(process));
}

bool process_exit_is_expected(const struct process *process)
{
	int status = process_record(process)->status;

	return WIFEXITED(status) && process->settings->exitcodes.count > 0 &&
	       memchr(process->settings->exitcodes.list, WEXITSTATUS(status),
		       process->settings->exitcodes.count);
}

static bool restarts(const struct process *process)
{
	if (core_mood(process->group->core) < MOOD_RUNNING)
		return false;
	switch (process->settings->autorestart) {
	case AUTORESTART_ALWAYS:
		return true;
	case AUTORESTART_UNEXPECTED:
		return !process_exit_is_expected(process);
	case AUTORESTART_NEVER:
		break;
	}
	return false;
}

static void restart_if_due(struct process *process)
{
	reeve_nsec due = process_record(process)->started + RESTART_INTERVAL;

	set_due(process, 0);
	if (!restarts(process))
		return;
	if (due <= reeve_now())
		process_event(process, LIFECYCLE_START);
	else
		set_due(process, due);
}

/* Send a signal to the process, or to its group. */
static int send_signal(struct process *process, int signo, bool to_group)
{
	pid_t pid = process_record(process)->pid;

	spawn_finish(process); /* or it may not have its process group yet */
	if (!process->handle) /* no pidfd could be had */
		return kill(to_group ? -pid : pid, signo) < 0 ? -errno : 0;
	if (to_group)
		return reeve_process_signal_group(process->handle, signo);
	return reeve_process_signal(process->handle, signo);
}

static void kill_with(struct process *process, int signo, bool to_group)
{
	struct board_record *record;
	pid_t pid = process_record(process)->pid;
	int r;

	log_line(LOG_DEBUG, "killing %s (pid %d) %swith signal %s", process_name(process), (int)pid,
		to_group ? "process group " : "", reeve_signal_name(signo));
	set_due(process, reeve_now() + seconds(process->settings->stopwaitsecs));
	r = send_signal(process, signo, to_group);
	if (r == 0 || r == -ESRCH) { /* ESRCH: its exit will be heard of */
		record = process_begin(process);
		record->killing = 1;
		process_end(process);
		return;
	}
	log_line(LOG_CRITICAL, "unknown problem killing %s (%d): %s", process_name(process), (int)pid,
		reeve_error_text(r));
	process_event(process, LIFECYCLE_SIGNAL_FAILED);
	set_due(process, 0);
}

static void send_stop(struct process *process)
{
	kill_with(process, process->settings->stopsignal, process->settings->stopasgroup);
}

static void send_kill(struct process *process)
{
	log_line(LOG_WARN, "killing '%s' (%d) with SIGKILL", process_name(process),
		(int)process_record(process)->pid);
	kill_with(process, SIGKILL, process->settings->killasgroup);
}

static void stayed_up(struct process *process)
{
	set_due(process, 0);
	forget_failures(process);
	log_line(LOG_INFO,
		"success: %s entered RUNNING state, process has stayed up for > than %lld seconds "
		"(startsecs)",
		process_name(process), (long long)process->settings->startsecs);
}

static void forgotten(struct process *process)
{
	if (process_state(process) == STATE_RUNNING) {
		stayed_up(process);
		return;
	}
	set_due(process, 0);
	forget_failures(process);
}

static void (*const actions[])(struct process *) = {
	[LIFECYCLE_SPAWN] = spawn,
	[LIFECYCLE_WAIT_TO_RETRY] = wait_to_retry,
	[LIFECYCLE_FORGET_FAILURES] = forgotten,
	[LIFECYCLE_RESTART_IF_DUE] = restart_if_due,
	[LIFECYCLE_SEND_STOP] = send_stop,
	[LIFECYCLE_SEND_KILL] = send_kill,
};

static void nothing_more(struct process *process)
{
	set_due(process, 0);
}

bool process_event(struct process *process, enum lifecycle_event event)
{
	enum process_state from = process_state(process);
	struct lifecycle_step step;

	if (!lifecycle_step(from, event, &step))
		return false;
	enter(process, step.to);
	if (step.to != from)
		events_state(process, from);
	if (step.action == LIFECYCLE_NOTHING)
		nothing_more(process);
	else
		actions[step.action](process);
	return true;
}

/* ---- what others ask for ---- */

int process_start(struct process *process)
{
	enum process_state state = process_state(process);

	if (process_state_is_running(state))
		return -EALREADY;
	if (state == STATE_STOPPING || state == STATE_UNKNOWN)
		return -EBUSY;
	forget_failures(process);
	process_event(process, LIFECYCLE_START);
	return 0;
}

int process_stop(struct process *process)
{
	return process_event(process, LIFECYCLE_STOP) ? 0 : -ESRCH;
}

int process_signal(struct process *process, int signo)
{
	pid_t pid = process_record(process)->pid;
	int r;

	log_line(LOG_DEBUG, "sending %s (pid %d) sig %s", process_name(process), (int)pid,
		reeve_signal_name(signo));
	r = send_signal(process, signo, false);
	if (r == 0 || r == -ESRCH) /* ESRCH: its exit will be heard of */
		return 0;
	log_line(LOG_CRITICAL, "unknown problem sending sig %s (%d): %s", process_name(process),
		(int)pid, reeve_error_text(r));
	process_event(process, LIFECYCLE_SIGNAL_FAILED);
	return r;
}

/* ---- its end ---- */

/* "exit status 1", "terminated by SIGSEGV (core dumped)" */
static void describe_exit(int status, char *text, size_t size)
{
	if (WIFEXITED(status))
		snprintf(text, size, "exit status %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		snprintf(text, size, "terminated by %s%s", reeve_signal_name(WTERMSIG(status)),
			WCOREDUMP(status) ? " (core dumped)" : "");
	else
		snprintf(text, size, "%s", "exit status unknown");
}

static void set_error(struct process *process, const char *text)
{
	struct board_record *record = process_begin(process);

	snprintf(record->error, sizeof record->error, "%s", text);
	process_end(process);
}

static void exited_early(struct process *process, const char *how)
{
	set_error(process, "Exited too quickly (process log may have details)");
	log_line(LOG_WARN, "exited: %s (%s; not expected)", process_name(process), how);
	process_event(process, LIFECYCLE_EXITED_EARLY);
}

static void exited_while_up(struct process *process, const char *how)
{
	bool expected = process_exit_is_expected(process);
	int status = process_record(process)->status;
	char text[64];

	if (process_state(process) == STATE_STARTING)
		process_event(process, LIFECYCLE_STAYED_UP);
	if (expected) {
		log_line(LOG_INFO, "exited: %s (%s; expected)", process_name(process), how);
	} else {
		snprintf(text, sizeof text, "Bad exit code %d",
			WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		set_error(process, text);
		log_line(LOG_WARN, "exited: %s (%s; not expected)", process_name(process), how);
	}
	process_event(process, LIFECYCLE_EXITED);
}

/* The exit is on the board: say so, and take the step. */
static void act_on_exit(struct process *process)
{
	const struct board_record *record = process_record(process);
	char how[64];

	describe_exit(record->status, how, sizeof how);
	if (record->state == STATE_STOPPING) {
		log_line(process_exit_is_expected(process) ? LOG_INFO : LOG_WARN, "stopped: %s (%s)",
			process_name(process), how);
		process_event(process, LIFECYCLE_EXITED);
	} else if (!record->has_status) {
		exited_early(process, how);
	} else {
		exited_while_up(process, how);
	}
}

void process_exited(struct process *process, const struct message_exited *exited)
{
	bool early = process_state(process) == STATE_STARTING && exited->when < up_at(process);

	spawn_finish(process);
	process->last_pid = exited->pid;
	process_enter_exit(process, exited, early);
	process->alarm = reeve_loop_source_free(process->alarm);
	process->handle = reeve_process_free(process->handle);
	listener_ended(process);
	logs_process_ended(process);
	input_drop(process);
	act_on_exit(process);
	fcgi_close_if_unused(process->group); /* a successor may have it already */
}

/* ---- after the core was killed ---- */

void process_make_good(struct process *process)
{
	const struct board_record *record = process_record(process);
	bool has_process = record->pid > 0;

	switch (record->state) {
	case STATE_STARTING:
		if (has_process)
			set_due(process, up_at(process));
		else if (record->ended == record->starts)
			act_on_exit(process);
		else
			spawn(process);
		break;
	case STATE_RUNNING:
		if (!has_process)
			act_on_exit(process);
		break;
	case STATE_STOPPING:
		if (!has_process)
			act_on_exit(process);
		else if (!record->killing)
			send_stop(process);
		else
			set_due(process, record->due);
		break;
	case STATE_BACKOFF:
		if (record->due == 0)
			wait_to_retry(process);
		else
			set_due(process, record->due);
		break;
	case STATE_EXITED:
		restart_if_due(process);
		break;
	default:
		break;
	}
}
