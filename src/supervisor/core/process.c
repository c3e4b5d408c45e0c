#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/state.h"

const struct board_record *process_record(const struct process *process)
{
	return board_peek(process->group->core->board, process->row);
}

struct board_record *process_begin(struct process *process)
{
	return board_begin(process->group->core->board, process->row);
}

void process_end(struct process *process)
{
	board_end(process->group->core->board, process->row);
	control_changed(process->group->core);
}

enum process_state process_state(const struct process *process)
{
	return (enum process_state)process_record(process)->state;
}

const char *process_name(const struct process *process)
{
	return process->settings->name;
}

void namespec_write(const char *group, const char *name, char text[static PROCESS_NAMESPEC_SIZE])
{
	bool is_alone = strcmp(group, name) == 0;

	snprintf(text, PROCESS_NAMESPEC_SIZE, "%s%s%s", is_alone ? "" : group, is_alone ? "" : ":", name);
}

void process_namespec(const struct process *process, char text[static PROCESS_NAMESPEC_SIZE])
{
	namespec_write(process->group->settings->name, process_name(process), text);
}

static struct process **bucket_of(struct core *core, pid_t pid)
{
	return &core->by_pid[(unsigned)pid % PID_BUCKETS];
}

static void leave_bucket(struct process *process, pid_t pid)
{
	struct process **link = bucket_of(process->group->core, pid);

	while (*link && *link != process)
		link = &(*link)->next_in_bucket;
	if (*link)
		*link = process->next_in_bucket;
	process->next_in_bucket = NULL;
}

void process_enter_pid(struct process *process, pid_t pid)
{
	struct process **bucket = bucket_of(process->group->core, pid);
	struct board_record *record;

	process->next_in_bucket = *bucket;
	*bucket = process;
	record = process_begin(process);
	record->pid = pid;
	process_end(process);
}

void process_enter_exit(struct process *process, const struct message_exited *exited, bool early)
{
	struct board_record *record;

	leave_bucket(process, process_record(process)->pid);
	record = process_begin(process);
	record->pid = 0;
	record->status = exited->status;
	record->has_status = !early;
	record->killing = 0;
	record->stopped_wall = time(NULL);
	record->exit_number = exited->number;
	record->ended = record->starts;
	process_end(process);
}

void process_leave(struct process *process)
{
	pid_t pid = process_record(process)->pid;

	if (pid > 0)
		leave_bucket(process, pid);
}

void process_enter_reading(struct process *process, uint32_t reading)
{
	process_begin(process)->reading = reading;
	process_end(process);
}

struct process *process_by_pid(struct core *core, pid_t pid)
{
	struct process *process = pid > 0 ? *bucket_of(core, pid) : NULL;

	while (process && process_record(process)->pid != pid)
		process = process->next_in_bucket;
	return process;
}

pid_t process_parent(pid_t pid)
{
	char path[32], text[512];
	const char *end;
	ssize_t size;
	int fd, parent;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof text - 1);
	close(fd);
	text[size > 0 ? size : 0] = '\0';
	end = strrchr(text, ')'); /* of the name, which may hold anything */
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : -EBADMSG;
}
