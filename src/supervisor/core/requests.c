/* Requests that name a process. */
#include "core/requests.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "board/log.h"
#include "core/input.h"
#include "core/waiters.h"
#include "reeve/error.h"

/* The process's name is what most faults tell. */
static int refuse_by_name(struct request *request, int fault)
{
	char name[PROCESS_NAMESPEC_SIZE];

	process_namespec(request->process, name);
	return request_refuse(request, fault, "%s", name);
}

static int wait(struct request *request, enum wait_for what)
{
	int fault = wait_verdict(request->process, what);
	int r;

	if (fault == FAULT_SUCCESS)
		return fault;
	if (fault != 0)
		return refuse_by_name(request, fault);
	r = waiters_add(request->process, what, request->message->number);
	if (r < 0)
		return request_refuse(request, FAULT_FAILED, "it is under way, but cannot be waited for: %s",
			reeve_error_text(r));
	return REQUEST_LATER;
}

/* A program that is not there is told even where the process runs already. */
static int check_command(struct request *request)
{
	char why[BOARD_TEXT_SIZE], **argv, *file;
	int r = command_resolve(request->process, &argv, &file, why, sizeof why);

	if (r == -ENOENT)
		return request_refuse(request, FAULT_NO_FILE, "%s", why);
	if (r == -ENOMEM)
		return request_refuse(request, FAULT_FAILED, "%s", why);
	if (r < 0)
		return request_refuse(request, FAULT_NOT_EXECUTABLE, "%s", why);
	free(argv);
	free(file);
	return 0;
}

int request_start(struct request *request)
{
	struct process *process = request->process;
	enum process_state state = process_state(process);
	int fault = check_command(request);
	char name[PROCESS_NAMESPEC_SIZE];

	if (fault != 0)
		return fault;
	if (process_state_is_running(state) && !request->message->again)
		return refuse_by_name(request, FAULT_ALREADY_STARTED);
	if (state == STATE_UNKNOWN) {
		process_namespec(process, name);
		return request_refuse(
			request, FAULT_FAILED, "%s is in an unknown process state", name);
	}
	if (state == STATE_STOPPING)
		log_line(LOG_WARN, "process '%s' already running", process_name(process));
	else if (process_start(process) == 0 && process_record(process)->error[0])
		return refuse_by_name(request, FAULT_SPAWN_ERROR);
	return request->message->wait ? wait(request, WAIT_STARTED) : FAULT_SUCCESS;
}

int request_stop(struct request *request)
{
	struct process *process = request->process;

	if (!process_state_is_running(process_state(process)) && !request->message->again)
		return refuse_by_name(request, FAULT_NOT_RUNNING);
	process_stop(process);
	if (process_state(process) == STATE_UNKNOWN)
		return request_refuse(request, FAULT_FAILED, "unknown problem killing %s (%d)",
			process_name(process), (int)process_record(process)->pid);
	return request->message->wait ? wait(request, WAIT_STOPPED) : FAULT_SUCCESS;
}

int request_signal(struct request *request)
{
	struct process *process = request->process;
	int signo = request->message->value, r;

	if (signo < 0 || signo > SIGRTMAX)
		return request_refuse(request, FAULT_BAD_SIGNAL, "%d", signo);
	if (!process_state_is_signallable(process_state(process)))
		return refuse_by_name(request, FAULT_NOT_RUNNING);
	r = signo == 0 ? 0 : process_signal(process, signo); /* 0 only asks whether there is somebody */
	if (r < 0)
		return request_refuse(request, FAULT_FAILED, "unknown problem sending sig %s (%d): %s",
			process_name(process), (int)process_record(process)->pid, reeve_error_text(r));
	return FAULT_SUCCESS;
}

int request_clear_logs(struct request *request)
{
	return logs_clear(request->process) < 0 ? refuse_by_name(request, FAULT_FAILED) : FAULT_SUCCESS;
}

int request_stdin(struct request *request)
{
	const struct board_record *record = process_record(request->process);
	struct request_data data = { "", 0 }; /* where none came */
	int r;

	if (record->pid == 0 || record->killing)
		return refuse_by_name(request, FAULT_NOT_RUNNING);
	r = request_data_map(request, &data);
	if (r == 0 || r == -ENODATA) {
		r = input_write(request->process, data.bytes, data.size);
		request_data_free(&data);
	}
	if (r == -EPIPE)
		return refuse_by_name(request, FAULT_NO_FILE);
	if (r == -ENOBUFS)
		return request_refuse(request, FAULT_FAILED,
			"%s has not read its input: no more can be kept for it", process_name(request->process));
	if (r < 0)
		return request_refuse(request, FAULT_FAILED, "%s", reeve_error_text(r));
	return FAULT_SUCCESS;
}
