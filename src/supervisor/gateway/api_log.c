/* Ranges of log files: ?offset=N (from the end where it is negative) and ?length=N; without an offset the end of the file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/api.h"
#include "gateway/words.h"

#define LENGTH_DEFAULT 65536
#define LENGTH_MAX (1 << 20)

/* False: it is there, and is no number. */
static bool read_number(struct api_call *call, const char *name, int64_t otherwise, int64_t *ret)
{
	const char *text = exchange_argument(call->exchange, name);
	char *end;

	*ret = otherwise;
	if (!text)
		return true;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	if (!errno && end != text && !*end)
		return true;
	api_fail(call, FAULT_BAD_ARGUMENTS, "offset and length are whole numbers");
	return false;
}

static void answer_range(struct api_call *call, int fd, int64_t size)
{
	int64_t length, offset;
	ssize_t got;
	char *bytes;

	if (!read_number(call, "length", LENGTH_DEFAULT, &length))
		return;
	if (length < 0 || length > LENGTH_MAX) {
		api_fail(call, FAULT_BAD_ARGUMENTS, "length is at least 0 and at most 1048576");
		return;
	}
	if (!read_number(call, "offset", size > length ? size - length : 0, &offset))
		return;
	if (offset < 0)
		offset = size + offset > 0 ? size + offset : 0;
	bytes = malloc((size_t)length + 1);
	got = bytes ? pread(fd, bytes, (size_t)length, offset) : -1;
	if (got < 0)
		api_fail(call, FAULT_FAILED, "the log cannot be read");
	else
		api_answer(call, 200,
			json_pack("{sI sI sI so}", "offset", (json_int_t)offset, "next", (json_int_t)offset + got,
				"size", (json_int_t)size, "data", words_json_sized(bytes, (size_t)got)));
	free(bytes);
}

static void file_is_here(void *data, int fd)
{
	struct api_call *call = data;
	struct stat file;

	call->log_ask = NULL;
	if (fd == -ENOENT)
		api_fail(call, FAULT_NO_FILE, "there is no log file");
	else if (fd < 0 || fstat(fd, &file) < 0)
		api_fail(call, FAULT_FAILED, "the log cannot be read");
	else
		answer_range(call, fd, file.st_size);
	if (fd >= 0)
		close(fd);
}

static void ask(struct api_call *call, uint32_t stream)
{
	if (log_file_ask(call->gateway, stream, file_is_here, call, &call->log_ask) < 0)
		api_fail(call, FAULT_FAILED, "too many logs are being opened");
}

static void ask_for_process(struct api_call *call, const struct table *table)
{
	const struct table_row *row = api_find_process(call, table);
	bool is_stderr = strcmp(call->parts[3], "stderr") == 0;

	if (!row)
		return;
	if (!is_stderr && strcmp(call->parts[3], "stdout") != 0)
		api_fail(call, FAULT_UNKNOWN_METHOD, "");
	else
		ask(call, STREAM_OF(row->row, is_stderr));
}

void api_process_log(struct api_call *call)
{
	api_with_table(call, ask_for_process);
}

void api_supervisor_log(struct api_call *call)
{
	ask(call, STREAM_SELF);
}
