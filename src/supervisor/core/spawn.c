/* Starting a program. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "board/log.h"
#include "core/listener_link.h"
#include "core/state.h"
#include "reeve/error.h"
#include "reeve/pipe.h"
#include "reeve/signal.h"

/* How long to wait for the keeper to reap, where no more processes can be had. */
#define REAP_LONGEST (50 * REEVE_MSEC)

/* So many descriptors must be to be had for each child that is under way. */
#define DESCRIPTORS_A_PLACE 64

/* What a spawn needs until the child is its program: the child runs beside us, and reads it. */
struct attempt {
	struct process *process;
	int *shelf;
	char **argv, **environment;
	char *file;
	int stdin_pipe[2];
	int listener_output; /* of an event listener: the write end; negative: none */
	struct reeve_process_spec spec;
	struct reeve_process_descriptor descriptors[3];
	struct reeve_process_limit limit;
	struct reeve_process_failure failure;
};

static void attempt_free(struct attempt *attempt)
{
	free(attempt->argv);
	free(attempt->environment);
	free(attempt->file);
	for (int end = 0; end < 2; end++)
		if (attempt->stdin_pipe[end] >= 0)
			close(attempt->stdin_pipe[end]);
	if (attempt->listener_output >= 0)
		close(attempt->listener_output);
	free(attempt);
}

static int record_failure(struct process *process, int error, const char *text)
{
	struct board_record *record = process_begin(process);

	snprintf(record->error, sizeof record->error, "%s", text);
	process_end(process);
	log_line(LOG_INFO, "spawnerr: %s", text);
	return error;
}

/* ---- the shelf ---- */

/* A spawn costs as much as the highest descriptor that it passes on is high, and a core has thousands. So what a
 * child is to have is put on a shelf of low ones first. */

static int put_on_shelf(const struct attempt *attempt, int place, int fd)
{
	return dup3(fd, attempt->shelf[place], O_CLOEXEC) < 0 ? -errno : 0;
}

/* Where descriptors are few, they are for the programs. */
static unsigned count_places(void)
{
	struct rlimit limit;
	rlim_t places = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / DESCRIPTORS_A_PLACE : 1;

	return places < 1 ? 1 : places < SPAWNS_AT_ONCE ? (unsigned)places : SPAWNS_AT_ONCE;
}

int shelf_make(struct core *core)
{
	core->places = count_places();
	for (unsigned i = 0; i < 3 * core->places; i++) {
		core->shelf[i] = fcntl(core->start->log_write, F_DUPFD_CLOEXEC, 3);
		if (core->shelf[i] < 0)
			return -errno;
	}
	return 0;
}

void shelf_free(struct core *core)
{
	for (unsigned i = 0; i < 3 * core->places; i++)
		if (core->shelf[i] > 0)
			close(core->shelf[i]);
}

/* ---- preparing ---- */

static int put_all_on_shelf(const struct attempt *attempt)
{
	const struct process *process = attempt->process;
	int out = attempt->listener_output >= 0 ? attempt->listener_output : process->stdout_pipe[1];
	int r;

	r = put_on_shelf(attempt, 0,
		process->group->socket >= 0 ? process->group->socket : attempt->stdin_pipe[0]);
	if (r == 0)
		r = put_on_shelf(attempt, 1, out);
	if (r == 0)
		r = put_on_shelf(
			attempt, 2, process->settings->redirect_stderr ? out : process->stderr_pipe[1]);
	return r;
}

static int open_pipes(struct attempt *attempt)
{
	struct process *process = attempt->process;
	int r = logs_open(process);

	if (r == 0 && process->group->settings->socket)
		r = fcgi_open(process->group);
	if (r == 0 && process->listener)
		r = listener_prepare(process, &attempt->listener_output);
	if (r < 0)
		return r;
	r = reeve_pipe_open(REEVE_PIPE_NONBLOCKING_WRITE, attempt->stdin_pipe);
	if (r < 0)
		return r;
	/* A program may have made the pipe's description non-blocking: the next one must not find it so. */
	fcntl(process->stdout_pipe[1], F_SETFL, O_WRONLY);
	if (process->stderr_pipe[1] >= 0)
		fcntl(process->stderr_pipe[1], F_SETFL, O_WRONLY);
	return put_all_on_shelf(attempt);
}

static int tell_pipe_failure(struct process *process, int error)
{
	char text[BOARD_TEXT_SIZE];

	if (error == -EMFILE || error == -ENFILE)
		snprintf(text, sizeof text, "too many open files to spawn '%s'",
			process_name(process));
	else
		snprintf(text, sizeof text, "unknown error making dispatchers for '%s': %s",
			process_name(process), reeve_error_name(error));
	return record_failure(process, error, text);
}

/* Become the program's user, if we are not. -EPERM: we may not. */
static int describe_user(struct attempt *attempt)
{
	const struct config_user *user = attempt->process->settings->user;
	struct reeve_process_spec *spec = &attempt->spec;

	if (!user || user->uid == getuid())
		return 0;
	if (getuid() != 0)
		return -EPERM;
	spec->flags |= REEVE_PROCESS_SET_UID | REEVE_PROCESS_SET_GID | REEVE_PROCESS_SET_GROUPS;
	spec->uid = user->uid;
	spec->gid = user->gid;
	return account_groups(
		attempt->process->group->core, user, &spec->groups, &spec->group_count);
}

static void describe(struct attempt *attempt)
{
	struct process *process = attempt->process;
	const struct program_settings *settings = process->settings;
	const struct role_start *start = process->group->core->start;
	struct reeve_process_spec *spec = &attempt->spec;

	spec->flags |= REEVE_PROCESS_SIBLING | REEVE_PROCESS_SET_PROCESS_GROUP |
		       REEVE_PROCESS_CLOSE_REST | REEVE_PROCESS_NO_SEARCH |
		       REEVE_PROCESS_KEEP_IGNORED; /* none is: main/ sees to that */
	spec->argv = (const char *const *)attempt->argv;
	spec->executable = attempt->file;
	spec->environment = (const char *const *)attempt->environment;
	spec->directory = settings->directory;
	if (settings->umask >= 0) {
		spec->flags |= REEVE_PROCESS_SET_UMASK;
		spec->umask = (mode_t)settings->umask;
	}
	for (int fd = 0; fd < 3; fd++)
		attempt->descriptors[fd] = (struct reeve_process_descriptor){ attempt->shelf[fd], fd };
	spec->descriptors = attempt->descriptors;
	spec->descriptor_count = 3;
	attempt->limit = (struct reeve_process_limit){ RLIMIT_NOFILE, start->settings->program_files };
	spec->limits = &attempt->limit;
	spec->limit_count = 1;
	spec->shared_pid = board_newborn(process->group->core->board, process->row);
}

/* ---- failing ---- */

/* What supervisord's child writes to its standard error when it cannot become the program. */
static void say_why(struct attempt *attempt, int error, enum reeve_process_stage stage)
{
	const struct program_settings *settings = attempt->process->settings;
	char text[1024];

	switch (stage) {
	case REEVE_PROCESS_STAGE_DIRECTORY:
		snprintf(text, sizeof text, "couldn't chdir to %s: %s", settings->directory,
			reeve_error_name(error));
		break;
	case REEVE_PROCESS_STAGE_GROUPS:
	case REEVE_PROCESS_STAGE_GID:
	case REEVE_PROCESS_STAGE_UID:
		snprintf(text, sizeof text, "couldn't setuid to %u: %s",
			settings->user ? (unsigned)settings->user->uid : 0,
			error == -EPERM && getuid() != 0 ? "Can't drop privilege as nonroot user"
							 : reeve_error_text(error));
		break;
	case REEVE_PROCESS_STAGE_EXEC:
		snprintf(text, sizeof text, "couldn't exec %s: %s", attempt->argv[0],
			reeve_error_name(error));
		break;
	default:
		snprintf(text, sizeof text, "couldn't %s: %s", reeve_process_stage_text(stage),
			reeve_error_name(error));
	}
	logs_say(attempt->process, "supervisor: ");
	logs_say(attempt->process, text);
	logs_say(attempt->process, "\nsupervisor: child process was not spawned\n");
}

/* There was no child at all. */
static int tell_clone_failure(struct attempt *attempt, int error)
{
	struct process *process = attempt->process;
	char text[BOARD_TEXT_SIZE];

	if (attempt->failure.stage != REEVE_PROCESS_STAGE_CLONE) {
		say_why(attempt, error, attempt->failure.stage);
		snprintf(text, sizeof text, "couldn't %s for '%s': %s",
			reeve_process_stage_text(attempt->failure.stage), process_name(process),
			reeve_error_name(error));
	} else if (error == -EAGAIN) {
		snprintf(text, sizeof text, "Too many processes in process table to spawn '%s'",
			process_name(process));
	} else {
		snprintf(text, sizeof text, "unknown error during fork for '%s': %s",
			process_name(process), reeve_error_name(error));
	}
	return record_failure(process, error, text);
}

/* ---- doing it ---- */

/* It has ended. How, the keeper will tell: nothing to do but to be awake by then, for to wake a processor that sleeps
 * takes longer than what the keeper has to do meanwhile. */
static void has_ended(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct process *process = data;

	process->alarm = reeve_loop_source_free(process->alarm);
}

static void keep_child(struct attempt *attempt, pid_t pid, struct reeve_process *handle)
{
	struct process *process = attempt->process;

	reeve_loop_add_fd(process->group->core->loop, reeve_process_fd(handle), REEVE_LOOP_READABLE, has_ended,
		process, &process->alarm); /* if not, it will be woken later */
	process_enter_pid(process, pid);
	atomic_store(&process->group->core->board->rows[process->row].newborn, 0);
	process->handle = handle;
	input_drop(process);
	if (process->stdin_pipe >= 0)
		close(process->stdin_pipe);
	process->stdin_pipe = attempt->stdin_pipe[1];
	attempt->stdin_pipe[1] = -EBADF;
	listener_attach(process);
	log_line(LOG_INFO, "spawned: '%s' with pid %d", process_name(process), (int)pid);
}

/* Before there is a child: one whose core is killed must not find the end of its input. */
static int keep_stdin(const struct attempt *attempt)
{
	struct message_keep keep = {
		.type = MESSAGE_KEEP,
		.row = attempt->process->row,
		.kind = KEPT_STDIN,
	};

	return mail_to_keeper(attempt->process->group->core, &keep, &attempt->stdin_pipe[1], 1);
}

/* The keeper tells of an exit just before it reaps, and until then the process counts where only so many may be had. */
static bool wait_until_reaped(pid_t pid)
{
	const struct timespec pause = { .tv_nsec = REEVE_MSEC };
	int left = REAP_LONGEST / REEVE_MSEC;

	if (pid <= 0 || reeve_signal_send(pid, 0) == -ESRCH)
		return false; /* that was not it */
	while (left-- > 0 && reeve_signal_send(pid, 0) != -ESRCH)
		nanosleep(&pause, NULL);
	return true;
}

static int clone_it(struct attempt *attempt)
{
	struct reeve_process *handle;
	int r = reeve_process_spawn_begin(&attempt->spec, &attempt->failure, &handle);

	if (r == -EAGAIN && wait_until_reaped(attempt->process->last_pid))
		r = reeve_process_spawn_begin(&attempt->spec, &attempt->failure, &handle);
	if (r < 0)
		return tell_clone_failure(attempt, r);
	keep_child(attempt, reeve_process_pid(handle), handle);
	return 0;
}

static int try(struct attempt *attempt)
{
	struct process *process = attempt->process;
	char why[BOARD_TEXT_SIZE];
	int r;

	r = command_resolve(process, &attempt->argv, &attempt->file, why, sizeof why);
	if (r < 0)
		return record_failure(process, r, why);
	r = open_pipes(attempt);
	if (r < 0)
		return tell_pipe_failure(process, r);
	r = describe_user(attempt);
	if (r < 0) {
		attempt->failure.stage = REEVE_PROCESS_STAGE_UID;
		return tell_clone_failure(attempt, r);
	}
	attempt->environment = environment_make(process);
	if (!attempt->environment)
		return record_failure(process, -ENOMEM, "out of memory");
	r = keep_stdin(attempt);
	if (r < 0)
		return tell_pipe_failure(process, r);
	describe(attempt);
	return clone_it(attempt);
}

/* The program's input is its own: when it has closed it, writing to it must fail. */
static void clear_shelf(const struct attempt *attempt)
{
	put_on_shelf(attempt, 0, attempt->process->group->core->start->log_write);
}

static void finish(struct attempt **place)
{
	struct attempt *attempt = *place;
	int r = reeve_process_spawn_finish(attempt->process->handle, &attempt->failure);

	clear_shelf(attempt);
	if (r < 0) /* it exits with status 127, of which the keeper will tell */
		say_why(attempt, r, attempt->failure.stage);
	attempt_free(attempt);
	*place = NULL;
}

void spawn_finish(struct process *process)
{
	struct core *core = process->group->core;

	for (unsigned i = 0; i < SPAWNS_AT_ONCE; i++)
		if (core->under_way[i] && core->under_way[i]->process == process)
			finish(&core->under_way[i]);
}

void spawn_finish_all(struct core *core)
{
	for (unsigned i = 0; i < SPAWNS_AT_ONCE; i++)
		if (core->under_way[i])
			finish(&core->under_way[i]);
}

int process_spawn(struct process *process)
{
	struct core *core = process->group->core;
	unsigned place = core->next_spawn++ % core->places;
	struct attempt *attempt;
	int r;

	if (core->under_way[place])
		finish(&core->under_way[place]);
	attempt = calloc(1, sizeof *attempt);
	if (!attempt)
		return record_failure(process, -ENOMEM, "out of memory");
	attempt->process = process;
	attempt->shelf = &core->shelf[3 * place];
	attempt->stdin_pipe[0] = attempt->stdin_pipe[1] = attempt->listener_output = -EBADF;
	r = try(attempt);
	if (r == 0) {
		core->under_way[place] = attempt;
	} else {
		clear_shelf(attempt);
		attempt_free(attempt);
	}
	return r;
}
