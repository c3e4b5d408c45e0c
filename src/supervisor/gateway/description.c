#include "gateway/description.h"

#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "reeve/signal.h"

void description_id(const struct board_record *record, char text[DESCRIPTION_ID_SIZE])
{
	if (strcmp(record->group, record->name) == 0)
		snprintf(text, DESCRIPTION_ID_SIZE, "%s", record->name);
	else
		snprintf(text, DESCRIPTION_ID_SIZE, "%s:%s", record->group, record->name);
}

static void write_uptime(reeve_nsec uptime, char *text, size_t size)
{
	long long seconds = uptime > 0 ? uptime / REEVE_SEC : 0;
	long long days = seconds / 86400;
	int used = 0;

	if (days > 0)
		used = snprintf(text, size, "%lld day%s, ", days, days == 1 ? "" : "s");
	snprintf(text + used, size - (size_t)used, "%lld:%02lld:%02lld", seconds / 3600 % 24,
		seconds / 60 % 60, seconds % 60);
}

void description_write(const struct board_record *record, reeve_nsec now, char text[DESCRIPTION_SIZE])
{
	char uptime[48];
	time_t stopped = (time_t)record->stopped_wall;
	struct tm local;

	text[0] = '\0';
	switch (record->state) {
	case STATE_RUNNING:
		write_uptime(now - record->started, uptime, sizeof uptime);
		snprintf(text, DESCRIPTION_SIZE, "pid %d, uptime %s", (int)record->pid, uptime);
		break;
	case STATE_FATAL:
	case STATE_BACKOFF:
		if (record->error[0])
			snprintf(text, DESCRIPTION_SIZE, "%s", record->error);
		else
			snprintf(text, DESCRIPTION_SIZE, "unknown error (try \"tail %s\")", record->name);
		break;
	case STATE_STOPPED:
	case STATE_EXITED:
		if (record->starts == 0)
			snprintf(text, DESCRIPTION_SIZE, "Not started");
		else if (localtime_r(&stopped, &local))
			strftime(text, DESCRIPTION_SIZE, "%b %d %I:%M %p", &local);
		break;
	}
}

void description_end(const struct board_record *record, char text[DESCRIPTION_END_SIZE])
{
	int status = record->status;
	const char *name;

	text[0] = '\0';
	if (!record->has_status)
		return;
	if (WIFEXITED(status)) {
		snprintf(text, DESCRIPTION_END_SIZE, "exit status %d", WEXITSTATUS(status));
		return;
	}
	name = reeve_signal_name(WTERMSIG(status));
	if (name)
		snprintf(text, DESCRIPTION_END_SIZE, "terminated by %s%s", name,
			WCOREDUMP(status) ? " (core dumped)" : "");
	else
		snprintf(text, DESCRIPTION_END_SIZE, "terminated by signal %d", WTERMSIG(status));
}

int description_exit_status(const struct board_record *record)
{
	if (!record->has_status)
		return 0;
	return WIFEXITED(record->status) ? WEXITSTATUS(record->status) : -1;
}
