#include "support/scribe_rig.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/log.h"
#include "reeve/pipe.h"

void rig_start(struct scribe_rig *rig, const char *syslog_path)
{
	struct scribe_setup setup = { .log_read = -1, .syslog_path = syslog_path };

	snprintf(rig->directory, sizeof rig->directory, "/tmp/scribe-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig->directory));
	ck_assert_int_eq(reeve_pipe_open(REEVE_PIPE_NONBLOCKING_READ, rig->log), 0);
	log_to(rig->log[1], LOG_INFO);
	ck_assert_int_eq(scribe_init(&rig->scribe, &setup), 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

void rig_end(struct scribe_rig *rig)
{
	scribe_deinit(&rig->scribe);
	log_to(-1, LOG_INFO);
	close(rig->log[0]);
	close(rig->log[1]);
	ck_assert_int_eq(nftw(rig->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *rig_path(const struct scribe_rig *rig, const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	snprintf(path, PATH_MAX, "%s/%s", rig->directory, name);
	return path;
}

struct message_log_open log_open_message(uint32_t stream, const char *path)
{
	struct message_log_open open = { .type = MESSAGE_LOG_OPEN, .stream = stream, .mode = 0644 };

	snprintf(open.name, sizeof open.name, "program");
	snprintf(open.path, sizeof open.path, "%s", path);
	return open;
}

static void act(struct scribe_rig *rig, const void *message, int fd)
{
	union message copy;
	size_t size = message_size(message);

	memset(&copy, 0, sizeof copy);
	memcpy(&copy, message, size);
	ck_assert_int_gt(message_check(&copy, size, fd >= 0 ? 1 : 0), 0);
	scribe_act(&rig->scribe, &copy, fd);
}

int rig_open(struct scribe_rig *rig, const struct message_log_open *open)
{
	int ends[2];

	ck_assert_int_eq(reeve_pipe_open(REEVE_PIPE_NONBLOCKING_READ, ends), 0);
	act(rig, open, ends[0]);
	return ends[1];
}

void rig_send(struct scribe_rig *rig, uint32_t type, uint32_t stream)
{
	struct message_plain plain = { .type = type };
	struct message_stream one = { .type = type, .stream = stream };

	act(rig, type == MESSAGE_LOG_REOPEN || type == MESSAGE_LOG_FINISH ? (void *)&plain : (void *)&one,
		-1);
}

void rig_run(struct scribe_rig *rig)
{
	while (reeve_loop_run_once(rig->scribe.loop, 0) > 0)
		;
}

void rig_write(struct scribe_rig *rig, int pipe, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = reeve_pipe_write(pipe, data, size, 0);

		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
		ck_assert_int_ge(reeve_loop_run_once(rig->scribe.loop, REEVE_SEC), 0);
	}
	while (reeve_pipe_available(pipe) > 0)
		ck_assert_int_gt(reeve_loop_run_once(rig->scribe.loop, REEVE_SEC), 0);
}

void rig_print(struct scribe_rig *rig, int pipe, const char *text)
{
	rig_write(rig, pipe, text, strlen(text));
}

void rig_print_later(struct scribe_rig *rig, int pipe, const char *text)
{
	while (reeve_loop_run_once(rig->scribe.loop, TARGET_RETRY + 10 * REEVE_MSEC) > 0)
		;
	rig_print(rig, pipe, text);
}

const char *file_text(const char *path)
{
	static char text[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		return "-";
	while ((n = read(fd, text + used, sizeof text - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	text[used] = '\0';
	return text;
}

long long file_size(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 ? -1 : status.st_size;
}

void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

const char *rig_log(struct scribe_rig *rig)
{
	static char text[65536];
	ssize_t n = read(rig->log[0], text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}
