/* What the core's files share: the core, its groups, and each program's process. */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "board/roles.h"
#include "config/config.h"
#include "core/control.h"
#include "core/input.h"
#include "core/lifecycle.h"
#include "core/name_index.h"
#include "core/outbox.h"
#include "core/readings.h"
#include "reeve/loop.h"
#include "reeve/process.h"

#define PID_BUCKETS 1024

/* A child needs a processor for a moment until it is its program; others can be started meanwhile. */
#define SPAWNS_AT_ONCE 32

struct attempt;
struct core;
struct events;
struct listener_link;

/* One process of a program: what is not on the board. */
struct process {
	struct group *group;
	const struct program_settings *settings;
	uint32_t row;
	struct reeve_process *handle;	 /* while it runs */
	pid_t last_pid;			 /* of the one before: the keeper may not have reaped it yet */
	struct reeve_loop_source *alarm; /* on its pidfd; spawn.c's */
	struct reeve_loop_source *timer; /* of the state it is in; made when first needed */
	struct process *next_in_bucket;	 /* of core->by_pid */
	int stdout_pipe[2], stderr_pipe[2]; /* read end, write end; negative until the first start */
	int stdin_pipe;			    /* the write end, of the last start */
	struct input *input;		    /* still to be written to it; input.c's */
	struct waiter *waiters;		    /* waiters.c's */
	struct listener_link *listener;	    /* of an event listener; else NULL */
	int channel;			    /* a listener's standard output, read here; negative: none */
	int sending[2];			    /* what its events go through: read end, write end */
};

/* The settings of a group, and of its processes, may be those of another reading after a reread, where they are the
 * same there: nobody keeps a pointer into them. */
struct group {
	struct core *core;
	const struct config_group *settings;
	uint32_t reading; /* which one the settings belong to */
	struct name_index by_name; /* its processes */
	struct process *processes; /* in start order */
	size_t process_count;
	int socket; /* of an fcgi-program; negative: none */
};

struct core {
	const struct role_start *start;
	struct board *board;
	struct reading readings[READINGS_MAX];
	const struct config *config; /* of the first reading: the supervisor's own settings */
	struct reeve_loop *loop;
	struct reeve_loop_source *keeper_source, *progress, *report;
	struct outbox scribe;
	struct events *events; /* events.h; NULL: there are none */
	struct control control;
	struct group **groups; /* in start order; each stays where it is while it is configured */
	size_t group_count, group_capacity;
	struct name_index groups_by_name;
	struct process *by_pid[PID_BUCKETS];
	uint64_t exit_seen;	 /* the last exit that is on the board */
	uint64_t exit_told;	 /* the last one that the keeper was told of */
	struct attempt *under_way[SPAWNS_AT_ONCE]; /* spawn.c's: children on their way to their programs */
	unsigned places;			   /* how many of them there may be */
	unsigned next_spawn;			   /* counts; its place is the remainder */
	int shelf[3 * SPAWNS_AT_ONCE];		   /* low descriptors for what each of them gets */
	struct account *accounts; /* the groups of users, as they were looked up */
	bool finished; /* all programs have ended, and the keeper has been told */
	bool orphaned; /* the keeper has gone */
};

/* ---- process.c: the record on the board, and who is who ---- */

const struct board_record *process_record(const struct process *process);
struct board_record *process_begin(struct process *process);
void process_end(struct process *process);

enum process_state process_state(const struct process *process);
const char *process_name(const struct process *process);

/* "name", or "group:name" where the two differ: what clients call it. */
#define PROCESS_NAMESPEC_SIZE (2 * BOARD_NAME_SIZE)
void namespec_write(const char *group, const char *name, char text[static PROCESS_NAMESPEC_SIZE]);
void process_namespec(const struct process *process, char text[static PROCESS_NAMESPEC_SIZE]);

/* It has a child now; it has none any more. Each is one write to the board: a core that is killed has either
 * entered it or not. */
void process_enter_pid(struct process *process, pid_t pid);
void process_enter_exit(struct process *process, const struct message_exited *exited, bool early);
struct process *process_by_pid(struct core *core, pid_t pid);

/* It is configured no more; whatever runs is a stranger from now on. */
void process_leave(struct process *process);

/* Its settings are of that reading. */
void process_enter_reading(struct process *process, uint32_t reading);

/* The parent of any process, or -errno. See proc(5), /proc/PID/stat. */
pid_t process_parent(pid_t pid);

/* ---- runner.c: the life of a process ---- */

/* Did it end with one of its exit codes? */
bool process_exit_is_expected(const struct process *process);

/* Something happened: take the step and do what it asks for. False where it means nothing in this state. */
bool process_event(struct process *process, enum lifecycle_event event);

/* Somebody wants it to run: a fresh count of failures. -EALREADY, -EBUSY (it is stopping or unknown). */
int process_start(struct process *process);

/* Somebody wants it stopped. -ESRCH where it is not running. */
int process_stop(struct process *process);

/* Its child has ended. */
void process_exited(struct process *process, const struct message_exited *exited);

/* Its program has ended, but it was nobody's child who could be asked for its status. */
#define STATUS_UNKNOWN (-1)

/* Send a signal to its process alone, which is there. Where it can't be sent, that is the end of what is known of it
 * (UNKNOWN): a negative errno. */
int process_signal(struct process *process, int signo);

/* The core was killed between a write to the board and what belongs to it: do that now. */
void process_make_good(struct process *process);

/* ---- resume.c ---- */

/* Go on from the board, after the core was killed. */
void process_resume(struct process *process);

/* ---- spawn.c, command.c, environment.c, account.c ---- */

/* Once, before the first start. */
int shelf_make(struct core *core);
void shelf_free(struct core *core);

/* Start its program. 0, or a negative errno with the reason recorded: there is no child then. The child is under way:
 * where it could not become the program, spawn_finish() puts that in its log, and its exit is still to come. */
int process_spawn(struct process *process);

/* Wait until the process, or all, are their programs. To be called before its exit is taken, and before there is
 * nothing to do. */
void spawn_finish(struct process *process);
void spawn_finish_all(struct core *core);

/* The command's words and the file to execute. Both to be freed (argv with one free()). On failure `why` has the
 * reason in supervisord's words. */
int command_resolve(const struct process *process, char ***ret_argv, char **ret_file, char *why,
	size_t why_size);

/* The environment of its program: to be freed with one free(). */
char **environment_make(const struct process *process);

/* The supplementary groups of a user, looked up once. Borrowed. */
int account_groups(struct core *core, const struct config_user *user, const gid_t **ret, size_t *ret_count);
void account_free_all(struct core *core);

/* ---- logs.c: what the scribe is told ---- */

/* Make the pipes and have them carried to their logs, if that is not so already. */
int logs_open(struct process *process);

/* Tell a scribe that knows nothing of all streams there are. */
void logs_open_all(struct core *core);

/* Where AUTO logs go is chosen once. */
void logs_choose_names(struct process *process);

/* The log's file as the API tells of it; "": it has none. */
void logs_name(const struct process *process, bool is_stderr, char *path, size_t size);

/* Remove both logs' files, whether it runs or not, and begin them anew. */
int logs_clear(struct process *process);

/* Its process has ended: what another one writes is not captured with what this one wrote. */
void logs_process_ended(struct process *process);

/* Put a text into the program's standard error, as if it had written it. */
void logs_say(struct process *process, const char *text);

/* ---- fcgi.c ---- */

/* Have the group's socket, or a negative errno. */
int fcgi_open(struct group *group);
void fcgi_close_if_unused(struct group *group);

/* ---- groups.c ---- */

/* Make groups and processes, with their rows: of the first reading, or those that the board has. */
int groups_make(struct core *core);

/* Make one, with its rows (those that the board has are looked for from *hint on), and put it where it belongs. On
 * failure rows may be left. */
int group_make(struct core *core, const struct config_group *settings, uint32_t reading,
	uint32_t *hint, struct group **ret);

/* Put it where it belongs, -ENOMEM. Look through the list again, whose names have changed, -ENOMEM. */
int groups_insert(struct core *core, struct group *group);
int groups_index(struct core *core);

/* It is on no list any more. Returns NULL. */
struct group *group_free(struct group *group);

/* NULL: there is none of that name. */
struct group *group_by_name(const struct core *core, const char *name);
struct process *process_by_name(const struct core *core, const char *group_name, const char *name);

/* Enter all descriptors in the keeper's memory, whose they are then. */
void groups_hand_over(struct core *core, struct keeper_memory *memory);
void groups_free(struct core *core);

/* Start what is to be started with the supervisor, or with its group. */
void groups_autostart(struct core *core);
void group_autostart(struct group *group);

/* ---- regroup.c: groups come and go ---- */

/* Make those that the board has, after the core was killed. */
int groups_resume(struct core *core);

/* Have a group of a reading, and start what is to be started; -ENOSPC where there is no row left, -ENOMEM: nothing
 * has changed then. */
int group_add(struct core *core, const struct config_group *settings, uint32_t reading);

/* It goes, with all that belongs to it; nothing of it runs. */
void group_remove(struct group *group);

/* Let groups that are the same in that reading live by it. */
void groups_move(struct core *core, uint32_t reading);

/* ---- shutdown.c ---- */

/* The mood is below RUNNING: stop what is next in order, or finish. */
void shutdown_progress(struct core *core);

/* Enter a mood below RUNNING. */
void shutdown_begin(struct core *core, enum mood mood);

/* ---- mail.c ---- */

void core_mail_ready(struct reeve_loop_source *source, int fd, unsigned events, void *data);

/* Tell the keeper. The descriptors are borrowed. 0 also where it has gone: `orphaned` is true then. */
int mail_to_keeper(struct core *core, const void *message, const int *fds, size_t count);

/* ---- core.c ---- */

enum mood core_mood(const struct core *core);

/* Call shutdown_progress() and tell the keeper which exits are on the board, once this round is over. */
void core_schedule_progress(struct core *core);

#endif
