/* A process of a core that was killed, taken over by the next one. */
#include <errno.h>
#include <unistd.h>

#include "board/log.h"
#include "core/events.h"
#include "core/listener_link.h"
#include "core/state.h"
#include "reeve/error.h"

/* A child that the old core had cloned, but not entered. */
static void enter_newborn(struct process *process)
{
	struct board_row *row = &process->group->core->board->rows[process->row];
	pid_t newborn = atomic_load(&row->newborn);

	if (newborn > 0 && process_record(process)->pid == 0) {
		process_enter_pid(process, newborn);
	}
	atomic_store(&row->newborn, 0);
}

/* It has ended, and nobody will tell us how: its parent, a keeper, has died. */
static void ended_unheard(struct process *process)
{
	struct message_exited exited = {
		.type = MESSAGE_EXITED,
		.pid = process_record(process)->pid,
		.status = STATUS_UNKNOWN,
		.number = process->group->core->exit_seen,
		.when = reeve_now(),
	};

	process_exited(process, &exited);
}

static void stranger_ended(
	struct reeve_process *handle, const struct reeve_process_outcome *outcome, void *data)
{
	ended_unheard(data);
}

static int watch_again(struct process *process, pid_t pid)
{
	pid_t parent = process_parent(pid);
	int r = reeve_process_adopt(pid, &process->handle);

	if (r < 0 || parent < 0 || parent == getppid())
		return r;
	return reeve_process_watch(
		process->handle, process->group->core->loop, stranger_ended, process);
}

static bool exit_is_waiting(const struct core *core, pid_t pid)
{
	const struct keeper_memory *memory = core->start->memory;

	for (uint64_t number = memory->exits_first; number < memory->exits_next; number++)
		if (memory->exits[number % KEEPER_EXITS_MAX].pid == pid)
			return true;
	return false;
}

void process_resume(struct process *process)
{
	pid_t pid;
	int r;

	enter_newborn(process);
	events_catch_up(process);
	listener_resume(process);
	pid = process_record(process)->pid;
	if (pid > 0) {
		process_enter_pid(process, pid);
		if (exit_is_waiting(process->group->core, pid))
			return; /* its number may be somebody else's by now; the keeper will tell */
		r = watch_again(process, pid);
		if (r == -ESRCH) { /* a keeper had just reaped it, and was killed */
			ended_unheard(process);
			return;
		}
		if (r < 0)
			log_line(LOG_WARN, "cannot watch '%s' (pid %d): %s", process_name(process),
				(int)pid, reeve_error_text(r));
	}
	process_make_good(process);
}
