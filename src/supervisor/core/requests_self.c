/* Requests that concern the supervisor itself. */
#include "core/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/log.h"
#include "core/data.h"
#include "core/events.h"
#include "core/reload.h"
#include "core/table.h"
#include "reeve/error.h"

/* The most of JSON for one answer: what the gateway takes. */
#define ANSWER_MAX ((size_t)64 << 20)

int request_clear_log(struct request *request)
{
	static const union message clear = { .stream = { MESSAGE_LOG_CLEAR, STREAM_SELF } };
	struct core *core = request->core;
	const char *path = core->config->supervisord.logfile;

	if (strcmp(path, "syslog") == 0 || access(path, F_OK) < 0)
		return FAULT_NO_FILE;
	if (outbox_send(&core->scribe, &clear, -EBADF) < 0)
		return FAULT_FAILED;
	log_line(LOG_INFO, "reopening log file");
	return FAULT_SUCCESS;
}

int request_remote_event(struct request *request)
{
	struct request_data data;
	const char *end;
	int r = request_data_map(request, &data);

	if (r < 0)
		return request_refuse(request, FAULT_FAILED, "%s", reeve_error_text(r));
	end = memchr(data.bytes, '\0', data.size);
	if (end)
		events_remote(request->core, data.bytes, end + 1, data.size - (size_t)(end + 1 - data.bytes));
	request_data_free(&data);
	return end ? FAULT_SUCCESS : request_refuse(request, FAULT_FAILED, "it has no type");
}

int request_restart(struct request *request)
{
	if (core_mood(request->core) < MOOD_RUNNING)
		return request->message->again && core_mood(request->core) == MOOD_RESTARTING
			       ? FAULT_SUCCESS
			       : FAULT_SHUTDOWN_STATE;
	return reload(request->core, request->text, sizeof request->text) < 0 ? FAULT_FAILED
									      : FAULT_SUCCESS;
}

int request_shutdown(struct request *request)
{
	if (core_mood(request->core) < MOOD_RUNNING)
		return request->message->again && core_mood(request->core) == MOOD_SHUTDOWN
			       ? FAULT_SUCCESS
			       : FAULT_SHUTDOWN_STATE;
	shutdown_begin(request->core, MOOD_SHUTDOWN);
	return FAULT_SUCCESS;
}

static int answer_with(
	struct request *request, void (*write)(const struct core *core, struct buffer *buffer))
{
	struct buffer buffer = BUFFER(ANSWER_MAX);
	int r;

	write(request->core, &buffer);
	r = buffer.error ? buffer.error : data_make(buffer_text(&buffer), buffer.length);
	buffer_deinit(&buffer);
	if (r < 0)
		return request_refuse(request, FAULT_FAILED, "%s", reeve_error_text(r));
	request->reply_data = r;
	return FAULT_SUCCESS;
}

int request_table(struct request *request)
{
	return answer_with(request, table_write);
}

int request_config(struct request *request)
{
	return answer_with(request, table_write_config);
}
