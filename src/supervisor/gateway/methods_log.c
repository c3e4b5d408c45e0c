/* Pieces of logs, by supervisor's rules of offset and length. The file is the scribe's to open; here it is only read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/call.h"
#include "text/xmlrpc_write.h"

/* A longer piece is not taken into memory but sent as it is read, where that can be. */
#define STREAM_FROM ((int64_t)512 << 10)

struct piece {
	int64_t from, to; /* bytes of the file */
};

/* What readLog and its kin mean by offset and length. -EINVAL: BAD_ARGUMENTS. */
static int piece_to_read(int64_t offset, int64_t length, int64_t size, struct piece *ret)
{
	if (length < 0 || (offset < 0 && length != 0))
		return -EINVAL;
	if (offset < 0)
		*ret = (struct piece){ offset < -size ? 0 : size + offset, size };
	else if (offset >= size)
		*ret = (struct piece){ size, size };
	else
		*ret = (struct piece){ offset, length == 0 || length > size - offset ? size : offset + length };
	return 0;
}

/* And what tailProcessLog means: the last `length` bytes, unless there is nothing from the offset on. */
static struct piece piece_to_tail(int64_t offset, int64_t length, int64_t size, bool *ret_overflow)
{
	*ret_overflow = (__int128)offset + length < size;
	if (length <= 0 || (!*ret_overflow && offset >= size))
		return (struct piece){ size, size };
	return (struct piece){ length > size ? 0 : size - length, size };
}

/* Add a piece of the file as text; a piece that is larger than is good for anybody has its end only. */
static int add_piece(struct buffer *answer, int fd, struct piece piece)
{
	size_t length, done = 0;
	char *bytes;

	if (piece.to - piece.from > (int64_t)CALL_READ_MAX)
		piece.from = piece.to - (int64_t)CALL_READ_MAX;
	length = (size_t)(piece.to - piece.from);
	bytes = malloc(length + 1);
	if (!bytes)
		return -ENOMEM;
	while (done < length) {
		ssize_t count = pread(fd, bytes + done, length - done, piece.from + (off_t)done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0) {
			free(bytes);
			return -EIO;
		}
		if (count == 0) /* it was truncated meanwhile */
			break;
		done += (size_t)count;
	}
	xmlrpc_add_bytes(answer, bytes, done);
	free(bytes);
	return 0;
}

static int size_of(int fd, int64_t *ret)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ENOENT;
	*ret = status.st_size;
	return 0;
}

/* ---- reading ---- */

static const char *path_of(const struct call *call, bool is_stderr)
{
	const char *path = is_stderr ? call->row->stderr_logfile : call->row->stdout_logfile;

	return path[0] ? path : NULL;
}

static void no_file(struct call *call, const char *path)
{
	call_fault(call, FAULT_NO_FILE, path);
}

/* The arguments before offset and length: 0 of the supervisor's own log, 1 of a process's. */
static void read_file(struct call *call, int fd, size_t before, const char *path)
{
	int64_t offset, length, size = 0;
	struct piece piece;
	int r = fd < 0 ? fd : size_of(fd, &size);

	if (r == -ENOENT)
		no_file(call, path);
	else if (r < 0)
		call_fault(call, FAULT_FAILED, NULL);
	else if (!call_integer(call, before, &offset) || !call_integer(call, before + 1, &length))
		; /* it is over */
	else if (piece_to_read(offset, length, size, &piece) < 0)
		call_fault(call, FAULT_BAD_ARGUMENTS, NULL);
	else if (call->may_stream && piece.to - piece.from >= STREAM_FROM) {
		call->stream_fd = fd;
		call->stream_from = piece.from;
		call->stream_to = piece.to;
		call_done(call);
		return;
	} else if (add_piece(call->answer, fd, piece) < 0)
		call_fault(call, FAULT_FAILED, NULL);
	else
		call_done(call);
	if (fd >= 0)
		close(fd);
}

static void on_own_file(struct call *call, int fd)
{
	read_file(call, fd, 0, NULL);
}

void method_read_own_log(struct call *call)
{
	call_ask_file(call, STREAM_SELF, on_own_file);
}

static void on_stdout_file(struct call *call, int fd)
{
	read_file(call, fd, 1, path_of(call, false));
}

static void on_stderr_file(struct call *call, int fd)
{
	read_file(call, fd, 1, path_of(call, true));
}

static void read_stream(struct call *call, bool is_stderr)
{
	const struct table_row *row;

	if (!call_process(call, 0, &row, NULL))
		return;
	if (!path_of(call, is_stderr))
		no_file(call, NULL);
	else
		call_ask_file(call, STREAM_OF(row->row, is_stderr), is_stderr ? on_stderr_file : on_stdout_file);
}

void method_read_stdout(struct call *call)
{
	read_stream(call, false);
}

void method_read_stderr(struct call *call)
{
	read_stream(call, true);
}

/* ---- following ---- */

static void add_tail(struct call *call, int fd, struct piece piece, int64_t offset, bool overflow)
{
	xmlrpc_array_begin(call->answer);
	if (fd < 0 || add_piece(call->answer, fd, piece) < 0)
		xmlrpc_add_string(call->answer, "");
	xmlrpc_add_int(call->answer, offset);
	xmlrpc_add_boolean(call->answer, overflow);
	xmlrpc_array_end(call->answer);
	call_done(call);
}

static void on_tail_file(struct call *call, int fd)
{
	int64_t offset, length, size = 0;
	struct piece piece = { 0, 0 };
	bool overflow;

	if (fd < 0 || size_of(fd, &size) < 0)
		add_tail(call, -1, piece, 0, false);
	else if (call_integer(call, 1, &offset) && call_integer(call, 2, &length)) {
		piece = piece_to_tail(offset, length, size, &overflow);
		add_tail(call, fd, piece, size, overflow);
	}
	if (fd >= 0)
		close(fd);
}

static void tail_stream(struct call *call, bool is_stderr)
{
	const struct table_row *row;

	if (!call_process(call, 0, &row, NULL))
		return;
	if (!path_of(call, is_stderr))
		add_tail(call, -1, (struct piece){ 0, 0 }, 0, false);
	else
		call_ask_file(call, STREAM_OF(row->row, is_stderr), on_tail_file);
}

void method_tail_stdout(struct call *call)
{
	tail_stream(call, false);
}

void method_tail_stderr(struct call *call)
{
	tail_stream(call, true);
}
