/* What comes out of a program, and how the scribe learns where to carry it.
 *
 * A stream has one pipe for as long as the program is configured, over all its restarts: what the last process
 * left in it is carried on whoever died, and a restart needs no new descriptors. The keeper holds both ends, too. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "board/log.h"
#include "core/events.h"
#include "core/state.h"
#include "reeve/error.h"
#include "reeve/pipe.h"

#define LOG_MODE 0644
#define AUTO_LOG_MODE 0600

/* One of the two streams of a process. */
struct stream {
	struct process *process;
	bool is_stderr;
	int *pipe;
	const struct config_log *log;
};

static struct stream stream_of(struct process *process, bool is_stderr)
{
	return (struct stream){
		.process = process,
		.is_stderr = is_stderr,
		.pipe = is_stderr ? process->stderr_pipe : process->stdout_pipe,
		.log = is_stderr ? &process->settings->stderr_log : &process->settings->stdout_log,
	};
}

/* ---- names ---- */

static void choose_suffix(char *suffix)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	unsigned char random[8];

	if (getrandom(random, sizeof random, 0) != sizeof random)
		memset(random, (int)reeve_now(), sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		suffix[i] = letters[random[i] % (sizeof letters - 1)];
	suffix[sizeof random] = '\0';
}

void logs_choose_names(struct process *process)
{
	struct board_record *record = process_begin(process);

	if (process->settings->stdout_log.kind == CONFIG_LOG_AUTO && !record->stdout_suffix[0])
		choose_suffix(record->stdout_suffix);
	if (process->settings->stderr_log.kind == CONFIG_LOG_AUTO && !record->stderr_suffix[0])
		choose_suffix(record->stderr_suffix);
	process_end(process);
}

void logs_name(const struct process *process, bool is_stderr, char *path, size_t size)
{
	const struct supervisord_settings *self = &process->group->core->config->supervisord;
	const struct board_record *record = process_record(process);
	const struct config_log *log =
		is_stderr ? &process->settings->stderr_log : &process->settings->stdout_log;

	path[0] = '\0';
	if (log->kind == CONFIG_LOG_AUTO)
		snprintf(path, size, "%s/%s-%s---%s-%s.log", self->childlogdir, process_name(process),
			is_stderr ? "stderr" : "stdout", self->identifier,
			is_stderr ? record->stderr_suffix : record->stdout_suffix);
	else if (log->kind == CONFIG_LOG_FILE)
		snprintf(path, size, "%s", log->path);
}

/* The log's path, absolute; "" where there is none. */
static int write_path(const struct stream *stream, char *path, size_t size)
{
	char name[PATH_MAX + 1], directory[PATH_MAX] = "";
	int length;

	logs_name(stream->process, stream->is_stderr, name, sizeof name);
	if (name[0] && name[0] != '/' && !getcwd(directory, sizeof directory))
		return -errno;
	length = snprintf(path, size, "%s%s%s", directory, directory[0] ? "/" : "", name);
	return (size_t)length < size ? 0 : -ENAMETOOLONG;
}

/* ---- telling the scribe ---- */

/* A listener's output is the protocol's, and no event. */
static uint8_t taps_of(const struct stream *stream)
{
	const struct core *core = stream->process->group->core;
	unsigned taps = 0;

	if (stream->process->listener && !stream->is_stderr)
		return 0;
	if (stream->log->events_enabled && events_wants_log(core, stream->is_stderr))
		taps |= TAP_LOG;
	if (stream->log->capture_maxbytes > 0)
		taps |= TAP_CAPTURE;
	if (stream->log->capture_maxbytes > 0 && events_wants_communication(core, stream->is_stderr))
		taps |= TAP_COMMUNICATION;
	return (uint8_t)taps;
}

static int tell_scribe(const struct stream *stream)
{
	struct core *core = stream->process->group->core;
	union message message = { .log_open = {
		.type = MESSAGE_LOG_OPEN,
		.stream = STREAM_OF(stream->process->row, stream->is_stderr),
		.max_bytes = stream->log->maxbytes,
		.backups = (int32_t)(stream->log->backups < INT32_MAX ? stream->log->backups : INT32_MAX),
		.mode = stream->log->kind == CONFIG_LOG_AUTO ? AUTO_LOG_MODE : LOG_MODE,
		.strip_ansi = core->config->supervisord.strip_ansi,
		.to_syslog = stream->log->syslog,
		.taps = taps_of(stream),
	} };
	struct message_log_open *open = &message.log_open;
	int r;

	snprintf(open->name, sizeof open->name, "%s", process_name(stream->process));
	r = write_path(stream, open->path, sizeof open->path);
	if (r < 0)
		return r;
	return outbox_send(&core->scribe, &message, stream->pipe[0]);
}

static int tell_scribe_of_own_log(struct core *core)
{
	const struct supervisord_settings *self = &core->config->supervisord;
	union message message = { .log_open = {
		.type = MESSAGE_LOG_OPEN,
		.stream = STREAM_SELF,
		.max_bytes = self->logfile_maxbytes,
		.backups = (int32_t)(self->logfile_backups < INT32_MAX ? self->logfile_backups : INT32_MAX),
		.mode = LOG_MODE,
		.to_stdout = core->start->settings->in_foreground && !self->silent,
	} };
	struct message_log_open *open = &message.log_open;

	snprintf(open->name, sizeof open->name, "%s", self->identifier);
	if (strcmp(self->logfile, "syslog") == 0)
		open->to_syslog = 1;
	else if ((size_t)snprintf(open->path, sizeof open->path, "%s", self->logfile) >=
		 sizeof open->path)
		return -ENAMETOOLONG;
	return outbox_send(&core->scribe, &message, core->start->log_read);
}

/* ---- pipes ---- */

static int tell_keeper(const struct stream *stream)
{
	struct message_keep keep = {
		.type = MESSAGE_KEEP,
		.row = stream->process->row,
		.kind = stream->is_stderr ? KEPT_STDERR : KEPT_STDOUT,
	};

	return mail_to_keeper(stream->process->group->core, &keep, stream->pipe, 2);
}

static int open_stream(const struct stream *stream)
{
	int ends[2], r;

	if (stream->pipe[0] >= 0)
		return 0;
	r = reeve_pipe_open(0, ends);
	if (r < 0)
		return r;
	stream->pipe[0] = ends[0];
	stream->pipe[1] = ends[1];
	r = tell_keeper(stream);
	if (r == 0)
		r = tell_scribe(stream);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		stream->pipe[0] = stream->pipe[1] = -EBADF;
	}
	return r;
}

int logs_open(struct process *process)
{
	struct stream out = stream_of(process, false), err = stream_of(process, true);
	int r = open_stream(&out);

	if (r == 0 && !process->settings->redirect_stderr)
		r = open_stream(&err);
	return r;
}

static void reopen_stream(const struct stream *stream)
{
	int r = stream->pipe[0] >= 0 ? tell_scribe(stream) : 0;

	if (r < 0)
		log_line(LOG_ERROR, "'%s': its output cannot be carried to its log: %s",
			process_name(stream->process), reeve_error_text(r));
}

void logs_open_all(struct core *core)
{
	struct message_plain all = { .type = MESSAGE_LOG_ALL };
	int r = tell_scribe_of_own_log(core);

	if (r < 0)
		log_line(LOG_ERROR, "this log cannot be carried to its file: %s", reeve_error_text(r));
	for (size_t g = 0; g < core->group_count; g++) {
		for (size_t p = 0; p < core->groups[g]->process_count; p++) {
			struct stream out = stream_of(&core->groups[g]->processes[p], false);
			struct stream err = stream_of(&core->groups[g]->processes[p], true);

			reopen_stream(&out);
			reopen_stream(&err);
		}
	}
	outbox_send(&core->scribe, (const union message *)&all, -1);
}

int logs_clear(struct process *process)
{
	int r = logs_open(process);

	for (unsigned is_stderr = 0; r == 0 && is_stderr < 2; is_stderr++) {
		union message message = { .stream = {
			.type = MESSAGE_LOG_CLEAR,
			.stream = STREAM_OF(process->row, is_stderr),
		} };

		r = outbox_send(&process->group->core->scribe, &message, -EBADF);
	}
	return r;
}

void logs_say(struct process *process, const char *text)
{
	int fd = process->settings->redirect_stderr ? process->stdout_pipe[1]
						    : process->stderr_pipe[1];

	/* A full pipe is the scribe's to empty; we do not wait for it. */
	if (fd >= 0)
		reeve_pipe_write(fd, text, strlen(text), 0);
}

static void end_stream(const struct stream *stream)
{
	static const char mark[] = TAP_RESET_MARK;

	if (stream->log->capture_maxbytes <= 0 || stream->pipe[1] < 0)
		return;
	if (reeve_pipe_write(stream->pipe[1], mark, sizeof mark - 1, 0) < 0)
		log_line(LOG_WARN, "'%s': no room to tell that its %s has ended; a capture that it had begun goes on",
			process_name(stream->process), stream->is_stderr ? "standard error" : "standard output");
}

void logs_process_ended(struct process *process)
{
	struct stream out = stream_of(process, false), err = stream_of(process, true);

	if (!process->listener)
		end_stream(&out);
	if (!process->settings->redirect_stderr)
		end_stream(&err);
}
