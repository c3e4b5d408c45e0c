/* A request from its arrival to its answer; requests*.c do it. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/log.h"
#include "core/requests.h"

enum {
	OF_PROCESS = 1, /* it names one, which must be there */
	AT_ANY_TIME = 2, /* also while the supervisor is ending */
};

static const struct action {
	int (*act)(struct request *request);
	unsigned flags;
} actions[REQUEST_KINDS] = {
	[REQUEST_START] = { request_start, OF_PROCESS },
	[REQUEST_STOP] = { request_stop, OF_PROCESS },
	[REQUEST_SIGNAL] = { request_signal, OF_PROCESS },
	[REQUEST_CLEAR_LOGS] = { request_clear_logs, OF_PROCESS },
	[REQUEST_STDIN] = { request_stdin, OF_PROCESS },
	[REQUEST_REMOTE_EVENT] = { request_remote_event, AT_ANY_TIME },
	[REQUEST_REREAD] = { request_reread, 0 },
	[REQUEST_ADD_GROUP] = { request_add_group, 0 },
	[REQUEST_REMOVE_GROUP] = { request_remove_group, 0 },
	[REQUEST_TABLE] = { request_table, AT_ANY_TIME },
	[REQUEST_CONFIG] = { request_config, 0 },
	[REQUEST_CLEAR_LOG] = { request_clear_log, 0 },
	[REQUEST_RESTART] = { request_restart, AT_ANY_TIME },
	[REQUEST_SHUTDOWN] = { request_shutdown, AT_ANY_TIME },
};

int request_refuse(struct request *request, int fault, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(request->text, sizeof request->text, format, arguments);
	va_end(arguments);
	return fault;
}

int request_data_map(const struct request *request, struct request_data *ret)
{
	struct stat status;
	void *bytes;
	int seals;

	if (request->data < 0) {
		*ret = (struct request_data){ "", 0 };
		return 0;
	}
	/* Who sent it must not be able to cut it short under our eyes. */
	seals = fcntl(request->data, F_GET_SEALS);
	if (seals < 0 || (seals & (F_SEAL_WRITE | F_SEAL_SHRINK)) != (F_SEAL_WRITE | F_SEAL_SHRINK) ||
		fstat(request->data, &status) < 0)
		return -EINVAL;
	if ((uint64_t)status.st_size > REQUEST_DATA_MAX)
		return -EFBIG;
	*ret = (struct request_data){ "", 0 };
	if (status.st_size == 0)
		return 0;
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, request->data, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	*ret = (struct request_data){ bytes, (size_t)status.st_size };
	return 0;
}

void request_data_free(struct request_data *data)
{
	if (data->size > 0)
		munmap((void *)(uintptr_t)data->bytes, data->size);
}

static int refuse_name(struct request *request)
{
	const struct message_request *message = request->message;
	char name[PROCESS_NAMESPEC_SIZE];

	namespec_write(message->group, message->name, name);
	return request_refuse(request, FAULT_BAD_NAME, "%s", name);
}

static int find_and_act(struct request *request)
{
	const struct message_request *message = request->message;
	const struct action *action = &actions[message->kind];

	if (core_mood(request->core) < MOOD_RUNNING && !(action->flags & AT_ANY_TIME))
		return FAULT_SHUTDOWN_STATE;
	if (action->flags & OF_PROCESS) {
		request->process = process_by_name(request->core, message->group, message->name);
		if (!request->process)
			return refuse_name(request);
	}
	return action->act(request);
}

void request_take(struct core *core, const struct message_request *message, int data)
{
	struct request request = {
		.core = core,
		.message = message,
		.data = data,
		.reply_data = -EBADF,
	};
	int fault = find_and_act(&request);

	if (fault != REQUEST_LATER)
		control_answer(core, message->number, fault, request.text, request.reply_data);
	if (request.reply_data >= 0)
		close(request.reply_data);
}
