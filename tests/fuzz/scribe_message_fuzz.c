/* A scribe that is told anything by its core, between writes and rounds of its loop.
 *
 * The input is a list of commands, a letter each and its operands; see do_command(). Nothing may crash, and
 * when the scribe has gone no descriptor is left. Paths never come from the input: a message that passes the
 * check gets one of a few in a directory of the target's own, which leads to devices by links alone. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "reeve/pipe.h"
#include "scribe/state.h"

#define PIPES 4

struct input {
	const uint8_t *data;
	size_t size;
};

struct fuzzed {
	struct scribe scribe;
	int pipes[PIPES]; /* write ends; negative: none */
	struct input input;
};

static char directory[] = "/tmp/scribe-fuzz-XXXXXX";

static const char *path_in(const char *name)
{
	static char path[sizeof directory + NAME_MAX + 1];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

/* Remove the files that a scribe has made; all there is where `whole`. */
static void empty_directory(bool whole)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;

	while (entries && (entry = readdir(entries)))
		if (entry->d_name[0] != '.' && (whole || entry->d_type == DT_REG))
			remove(path_in(entry->d_name));
	if (entries)
		closedir(entries);
}

static void remove_directory(void)
{
	empty_directory(true);
	rmdir(directory);
}

static void make_directory(void)
{
	static bool is_made;

	if (is_made) {
		empty_directory(false);
		return;
	}
	is_made = true;
	if (!mkdtemp(directory))
		abort();
	atexit(remove_directory);
	if (symlink("/dev/null", path_in("null")) < 0 || symlink("/dev/full", path_in("full")) < 0 ||
		mkfifo(path_in("fifo"), 0600) < 0 || mkdir(path_in("directory"), 0700) < 0)
		abort();
}

static uint8_t next_byte(struct input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

static size_t next_bytes(struct input *input, size_t most, const uint8_t **ret)
{
	size_t size = most < input->size ? most : input->size;

	*ret = input->data;
	input->data += size;
	input->size -= size;
	return size;
}

static void choose_path(char *path, size_t size, uint8_t choice)
{
	static const char *const names[] = { "a", "b", "c", "null", "full", "fifo", "directory",
		"absent/file" };

	if (choice % 10 < 8)
		snprintf(path, size, "%s", path_in(names[choice % 10]));
	else
		snprintf(path, size, "%s", choice % 10 == 8 ? "" : "/dev/fd/9");
}

/* A pipe for it, whose write end is kept as number `which`. */
static int make_pipe(struct fuzzed *fuzzed, uint8_t which)
{
	int ends[2];

	if (reeve_pipe_open(REEVE_PIPE_NONBLOCKING_READ, ends) < 0)
		abort();
	which %= PIPES;
	if (fuzzed->pipes[which] >= 0)
		close(fuzzed->pipes[which]);
	fuzzed->pipes[which] = ends[1];
	return ends[0];
}

/* As received: checked, and acted on where it passes. */
static void receive(struct fuzzed *fuzzed, union message *message, size_t size, unsigned fds)
{
	int fd = -EBADF;

	if (message_check(message, size, fds) <= 0)
		return;
	if (message->type == MESSAGE_LOG_OPEN) {
		message->log_open.backups %= 6; /* each is a system call at each rotation */
		choose_path(message->log_open.path, sizeof message->log_open.path,
			(uint8_t)message->log_open.path[0]);
	}
	if (fds > 0)
		fd = make_pipe(fuzzed, (uint8_t)message->stream.stream);
	scribe_act(&fuzzed->scribe, message, fd);
}

static void receive_bytes(struct fuzzed *fuzzed)
{
	union message message;
	const uint8_t *bytes;
	unsigned fds = next_byte(&fuzzed->input) % 3;
	size_t most = next_byte(&fuzzed->input), size;

	most += (size_t)next_byte(&fuzzed->input) << 8;
	size = next_bytes(&fuzzed->input, most < sizeof message ? most : sizeof message, &bytes);
	memset(&message, 0, sizeof message);
	memcpy(&message, bytes, size);
	receive(fuzzed, &message, size, fds);
}

static void open_stream(struct fuzzed *fuzzed)
{
	union message message = { .log_open = { .type = MESSAGE_LOG_OPEN, .mode = 0600 } };
	struct message_log_open *open = &message.log_open;
	uint8_t flags;

	open->stream = next_byte(&fuzzed->input);
	if (open->stream == 255)
		open->stream = STREAM_SELF;
	flags = next_byte(&fuzzed->input);
	open->strip_ansi = flags & 1;
	open->to_syslog = flags >> 1 & 1;
	open->is_new = flags >> 2 & 1;
	open->max_bytes = next_byte(&fuzzed->input);
	open->backups = next_byte(&fuzzed->input);
	snprintf(open->name, sizeof open->name, "name");
	open->path[0] = (char)next_byte(&fuzzed->input);
	open->path[1] = '\0';
	receive(fuzzed, &message, message_size(&message), flags >> 3 & 1);
}

static void write_some(struct fuzzed *fuzzed)
{
	int pipe = fuzzed->pipes[next_byte(&fuzzed->input) % PIPES];
	const uint8_t *bytes;
	size_t size = next_bytes(&fuzzed->input, next_byte(&fuzzed->input), &bytes);

	if (pipe >= 0)
		reeve_pipe_write(pipe, bytes, size, 0);
}

static void tell_one(struct fuzzed *fuzzed, uint32_t type)
{
	union message message = { .stream = { .type = type, .stream = next_byte(&fuzzed->input) } };

	receive(fuzzed, &message, message_size(&message), 0);
}

static void do_command(struct fuzzed *fuzzed)
{
	switch (next_byte(&fuzzed->input)) {
	case 'm': receive_bytes(fuzzed); break;
	case 'o': open_stream(fuzzed); break;
	case 'w': write_some(fuzzed); break;
	case 'c': tell_one(fuzzed, MESSAGE_LOG_CLOSE); break;
	case 'e': tell_one(fuzzed, MESSAGE_LOG_CLEAR); break;
	case 'r': tell_one(fuzzed, MESSAGE_LOG_REOPEN); break;
	case 'f': tell_one(fuzzed, MESSAGE_LOG_FINISH); break;
	default: reeve_loop_run_once(fuzzed->scribe.loop, 0);
	}
}

static int first_free_descriptor(void)
{
	int fd = dup(STDIN_FILENO);

	if (fd >= 0)
		close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct scribe_setup setup = { .log_read = -1, .syslog_path = "/nonexistent" };
	struct fuzzed fuzzed = { .pipes = { -1, -1, -1, -1 }, .input = { data, size } };
	int before;

	make_directory();
	before = first_free_descriptor();
	if (scribe_init(&fuzzed.scribe, &setup) < 0)
		abort();
	while (fuzzed.input.size > 0)
		do_command(&fuzzed);
	reeve_loop_run_once(fuzzed.scribe.loop, 0);
	scribe_deinit(&fuzzed.scribe);
	for (int i = 0; i < PIPES; i++)
		if (fuzzed.pipes[i] >= 0)
			close(fuzzed.pipes[i]);
	if (first_free_descriptor() != before)
		abort();
	return 0;
}
