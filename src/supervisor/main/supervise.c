#include "main/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "board/feed.h"
#include "board/log.h"
#include "config/snapshot_memory.h"
#include "core/core.h"
#include "core/event_setup.h"
#include "keeper/keeper.h"
#include "main/gateway.h"
#include "main/start.h"
#include "reeve/error.h"
#include "reeve/pipe.h"
#include "reeve/process.h"
#include "reeve/signal.h"
#include "scribe/scribe.h"

#define EXIT_REFUSED 2

/* What the log's pipe holds: records written before the scribe is up, or while it is started again. */
#define LOG_PIPE_SIZE (256 * 1024)

/* How long the starter waits for the daemon to come up. */
#define DAEMON_PATIENCE (60 * REEVE_SEC)

struct life {
	struct config_request request;
	struct config_snapshot *snapshot;
	struct config *config;
	struct report report;
	struct role_settings settings;
	struct board board;
	struct reeve_pid_file *pid_file;
	struct scribe_journal *journal;
	struct reeve_daemon *daemon; /* the starter that waits for us; NULL: none */
	bool takes_over;	     /* from a keeper that was killed: the pid file has its pid */
	struct gateway_birth gateway;
	int log_pipe[2];
};

static int refuse(const char *why)
{
	fprintf(stderr, "reeved: %s\n", why);
	return EXIT_REFUSED;
}

/* ---- reading ---- */

static void print_errors(const struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		char *text;

		if (report->entries[i].level != REPORT_ERROR)
			continue;
		text = report_entry_text(&report->entries[i]);
		refuse(text ? text : "out of memory");
		free(text);
	}
}

static int log_level_of(enum config_log_level level)
{
	static const int numbers[] = {
		[LOG_LEVEL_CRITICAL] = LOG_CRITICAL,
		[LOG_LEVEL_ERROR] = LOG_ERROR,
		[LOG_LEVEL_WARN] = LOG_WARN,
		[LOG_LEVEL_INFO] = LOG_INFO,
		[LOG_LEVEL_DEBUG] = LOG_DEBUG,
		[LOG_LEVEL_TRACE] = LOG_TRACE,
		[LOG_LEVEL_BLATHER] = LOG_BLATHER,
	};

	return numbers[level];
}

static int read_configuration(struct life *life)
{
	int r = config_snapshot_take(&life->request, &life->snapshot, &life->config, &life->report);

	if (r == -EINVAL)
		print_errors(&life->report);
	else if (r < 0)
		refuse(reeve_error_text(r));
	return r;
}

/* What the reading had to say, in supervisord's order. */
static void log_report(const struct report *report)
{
	static const struct {
		enum report_level from;
		enum log_level to;
	} order[] = {
		{ REPORT_CRITICAL, LOG_CRITICAL },
		{ REPORT_WARNING, LOG_WARN },
		{ REPORT_INFO, LOG_INFO },
	};

	for (size_t o = 0; o < sizeof order / sizeof order[0]; o++)
		for (size_t i = 0; i < report->count; i++)
			if (report->entries[i].level == order[o].from)
				log_line(order[o].to, "%s", report->entries[i].text);
}

/* ---- the roles ---- */

/* The life of this process: for the roles, which are born with it. */
static struct life *current;

static int take_keepers_place(struct life *life, const struct role_start *start);

/* The first core has the configuration, as it was when it was forked. Later ones read the snapshot. */
static void forget_configuration(struct life *life)
{
	life->config = config_free(life->config);
	life->snapshot = config_snapshot_free(life->snapshot);
	report_deinit(&life->report);
}

static int be_scribe(const struct role_start *start)
{
	forget_configuration(current);
	servers_close(&current->gateway.servers);
	return scribe_run(&(struct scribe_setup){
		.core_channel = start->peers[ROLE_CORE],
		.gateway_channel = start->peers[ROLE_GATEWAY],
		.keeper_channel = start->keeper,
		.log_read = start->log_read,
		.log_fd = start->log_write,
		.log_level = start->settings->log_level,
		.journal = current->journal,
		.feed = current->settings.feed,
	});
}

static int be_core(const struct role_start *start)
{
	struct config *config = current->config;
	int status;

	current->config = NULL;
	forget_configuration(current); /* what is left of it */
	status = core_run(start, config);
	return status == ROLE_ORPHANED ? take_keepers_place(current, start) : status;
}

static int be_gateway(const struct role_start *start)
{
	return gateway_become(start, &current->gateway);
}

/* ---- becoming what the keeper needs ---- */

static int open_log(struct life *life)
{
	int r = reeve_pipe_open(REEVE_PIPE_NONBLOCKING_WRITE, life->log_pipe);

	if (r < 0)
		return r;
	reeve_pipe_set_size(life->log_pipe[1], LOG_PIPE_SIZE); /* if not, the usual 64 KiB do */
	life->settings.log_level = log_level_of(life->config->supervisord.loglevel);
	log_to(life->log_pipe[1], life->settings.log_level);
	return 0;
}

/* Returns 0 in the one that goes on, 1 in a starter whose work is done (its exit status is in *ret_status), or a
 * negative errno. */
static int become_daemon(struct life *life, int *ret_status)
{
	const struct supervisord_settings *settings = &life->config->supervisord;
	struct reeve_daemon_report report;
	struct reeve_daemon_spec spec = {
		.flags = REEVE_DAEMON_ONE_FORK | REEVE_DAEMON_KEEP_DESCRIPTORS |
			 (settings->directory ? 0 : REEVE_DAEMON_KEEP_DIRECTORY),
		.umask = (mode_t)settings->umask,
		.directory = settings->directory,
		.timeout = DAEMON_PATIENCE,
	};
	int r = reeve_daemon_start(&spec, &life->daemon, &report);

	if (r == 0) {
		log_line(LOG_INFO, "daemonizing the supervisord process");
		return 0;
	}
	*ret_status = 0;
	if (r == -ETIMEDOUT) {
		fprintf(stderr, "reeved: pid %d is still starting up; its log says how it goes\n",
			(int)report.pid);
	} else if (r < 0 && report.failed != REEVE_DAEMON_STEP_NONE) {
		fprintf(stderr, "reeved: cannot become a daemon: %s: %s\n",
			reeve_daemon_step_name(report.failed), reeve_error_text(r));
		*ret_status = EXIT_REFUSED;
	} else if (r < 0 || report.status != 0) {
		fprintf(stderr, "reeved: the daemon did not come up%s%s\n",
			report.message[0] ? ": " : "; its log says why", report.message);
		*ret_status = EXIT_REFUSED;
	}
	return 1;
}

/* Not before: who reads a pid in the file may send it a signal. */
static void begun(void *data)
{
	struct life *life = data;

	if (life->takes_over && life->pid_file && reeve_pid_file_write(life->pid_file) < 0)
		log_line(LOG_CRITICAL, "could not write the pid file");
	forget_configuration(life);
}

static void came_up(void *data)
{
	struct life *life = data;

	if (life->daemon)
		reeve_daemon_report(life->daemon, 0, NULL);
	reeve_notify_ready();
}

/* What whoever started us ignored is blocked instead, and so is SIGPIPE: nobody reads the log for a moment, or a
 * program has closed its input. That is as good a protection, and a program, which would be born with what is
 * ignored, has nothing to reset. */
static int prepare_signals(void)
{
	int r = reeve_signal_set_mode(REEVE_SIGNAL_FD);

	for (int signo = 1; r == 0 && signo <= SIGRTMAX; signo++) {
		bool ignored = reeve_signal_disposition(signo) == REEVE_SIGNAL_IGNORED;

		if (ignored || signo == SIGPIPE)
			r = reeve_signal_mask(REEVE_SIGNAL_BLOCK, REEVE_SIGNAL_SET(signo), NULL);
		if (ignored && r == 0)
			r = reeve_signal_default(signo);
	}
	return r;
}

static void life_deinit(struct life *life)
{
	gateway_remove(&life->gateway);
	reeve_pid_file_free(life->pid_file);
	reeve_daemon_free(life->daemon);
	config_free(life->config);
	config_snapshot_free(life->snapshot);
	report_deinit(&life->report);
	scribe_journal_free(life->journal);
	event_memory_free(life->settings.events);
	feed_free(life->settings.feed);
	if (life->board.map)
		board_close(&life->board);
	for (int end = 0; end < 2; end++)
		if (life->log_pipe[end] >= 0)
			close(life->log_pipe[end]);
}

/* ---- one life after the other ---- */

static struct keeper_setup keeper_setup_of(struct life *life)
{
	return (struct keeper_setup){
		.board = &life->board,
		.mains = {
			[ROLE_CORE] = be_core,
			[ROLE_SCRIBE] = be_scribe,
			[ROLE_GATEWAY] = life->gateway.settings >= 0 ? be_gateway : NULL,
		},
		.log_read = life->log_pipe[0],
		.log_write = life->log_pipe[1],
		.settings = &life->settings,
		.on_begun = begun,
		.on_ready = came_up,
		.data = life,
	};
}

static int run_keeper(struct life *life, int *ret_snapshot)
{
	struct keeper_setup setup = keeper_setup_of(life);

	setup.snapshot = config_snapshot_memory(life->snapshot);
	if (setup.snapshot < 0)
		return setup.snapshot;
	return keeper_run(&setup, ret_snapshot);
}

/* A reload: the core has read this configuration, and stopped all that was. */
static int begin_anew(struct life *life, int snapshot)
{
	int r = config_snapshot_load(snapshot, &life->snapshot);

	close(snapshot);
	if (r < 0)
		return r;
	r = config_snapshot_read(life->snapshot, &life->config, &life->report);
	if (r < 0)
		return r;
	life->settings.log_level = log_level_of(life->config->supervisord.loglevel);
	log_to(life->log_pipe[1], life->settings.log_level);
	log_report(&life->report);
	board_clear(&life->board);
	event_memory_clear(life->settings.events);
	feed_clear(life->settings.feed);
	board_set_identifier(&life->board, life->config->supervisord.identifier);
	atomic_store(&life->board.header->mood, MOOD_RUNNING);
	start_tell_what_is_missing(life->config);
	start_remove_auto_logs(life->config);
	r = gateway_prepare(&life->gateway, life->config, NULL);
	if (r < 0)
		log_line(LOG_CRITICAL, "clients cannot be served: %s", reeve_error_text(r));
	log_line(LOG_INFO, "supervisord started with pid %d", (int)getpid());
	return 0;
}

/* Go on after a keeper has ended with `result`. */
static int live_on(struct life *life, int result, int snapshot)
{
	while (result == KEEPER_AGAIN) {
		result = begin_anew(life, snapshot);
		if (result == 0)
			result = run_keeper(life, &snapshot);
	}
	return result;
}

static int live(struct life *life)
{
	int snapshot = -EBADF;
	int r = run_keeper(life, &snapshot);

	return live_on(life, r, snapshot);
}

/* The keeper was killed. This process was the core, has handed over what it knew, and is the keeper now. */
static int take_keepers_place(struct life *life, const struct role_start *start)
{
	struct keeper_setup setup = keeper_setup_of(life);
	int snapshot = -EBADF, r;

	log_to(life->log_pipe[1], life->settings.log_level);
	log_line(LOG_CRITICAL, "the keeper (pid %d) was killed; pid %d takes its place",
		(int)atomic_load(&life->board.header->keeper_pid), (int)getpid());
	atomic_store(&life->board.header->keeper_pid, getpid());
	prctl(PR_SET_NAME, "reeved", 0, 0, 0);
	setup.memory = start->memory;
	life->takes_over = true;
	r = reeve_process_set_subreaper(true);
	if (r == 0)
		r = prepare_signals();
	if (r == 0)
		r = keeper_run(&setup, &snapshot);
	r = live_on(life, r, snapshot);
	life_deinit(life);
	return r < 0 ? EXIT_REFUSED : 0;
}

/* ---- the beginning ---- */

/* All that can refuse to start, and is told on standard error. */
static int prepare(struct life *life)
{
	struct start_error error = { "" };
	int r;

	r = start_set_user(life->config, &life->report, &error);
	if (r == 0)
		r = start_set_limits(
			life->config, &life->report, &life->settings.program_files, &error);
	if (r == 0)
		r = open_log(life);
	if (r == 0) {
		log_report(&life->report);
		r = start_lock_pid_file(life->config, &life->pid_file, &error);
	}
	if (r == 0) {
		r = gateway_prepare(&life->gateway, life->config, &error);
		if (r < 0 && life->pid_file)
			reeve_pid_file_write(life->pid_file); /* who writes it removes it */
	}
	if (r < 0)
		refuse(error.text[0] ? error.text : reeve_error_text(r));
	return r;
}

static void write_pid_file(struct life *life, const char *path)
{
	int r = life->pid_file ? reeve_pid_file_write(life->pid_file) : -EBADF;

	if (r < 0 && life->pid_file)
		log_line(LOG_CRITICAL, "could not write pidfile %s: %s", path, reeve_error_text(r));
	else if (life->pid_file)
		log_line(LOG_INFO, "supervisord started with pid %d", (int)getpid());
}

static int begin(struct life *life)
{
	const struct supervisord_settings *settings = &life->config->supervisord;
	int status, r;

	start_tell_what_is_missing(life->config);
	start_remove_auto_logs(life->config);
	r = board_create(settings->identifier, &life->board);
	if (r == 0)
		r = scribe_journal_new(&life->journal);
	if (r == 0)
		r = event_memory_new(&life->settings.events);
	if (r == 0)
		r = feed_new(&life->settings.feed);
	if (r < 0)
		return r;
	life->settings.in_foreground = settings->nodaemon;
	if (!settings->nodaemon) {
		r = become_daemon(life, &status);
		if (r == 1)
			_exit(status); /* nothing of the daemon's is ours to end */
		if (r < 0)
			return r;
	}
	write_pid_file(life, settings->pidfile);
	atomic_store(&life->board.header->keeper_pid, getpid());
	r = prepare_signals();
	if (r == 0)
		r = reeve_process_set_subreaper(true);
	return r;
}

static int tell_failure(struct life *life, int r)
{
	char text[REEVE_DAEMON_MESSAGE_MAX];

	snprintf(text, sizeof text, "%s", r == -ECHILD ? "its log says why" : reeve_error_text(r));
	if (life->daemon)
		reeve_daemon_report(life->daemon, EXIT_REFUSED, text);
	else
		refuse(text);
	return EXIT_REFUSED;
}

int supervise(const struct options *options, const char *configuration)
{
	struct life life = {
		.request = {
			.path = configuration,
			.overrides = options->overrides,
			.override_count = options->override_count,
			.environment = (const char *const *)environ,
		},
		.gateway = { .settings = -EBADF },
		.log_pipe = { -EBADF, -EBADF },
	};
	int status = EXIT_REFUSED, r;

	current = &life;
	life.settings.request = &life.request;
	report_init(&life.report);
	if (read_configuration(&life) == 0 && prepare(&life) == 0) {
		r = begin(&life);
		if (r == 0)
			r = live(&life);
		status = r < 0 ? tell_failure(&life, r) : 0;
	}
	life_deinit(&life);
	return status;
}
