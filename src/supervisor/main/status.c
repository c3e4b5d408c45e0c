#include "main/status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "board/board.h"
#include "config/config.h"
#include "reeve/daemon.h"
#include "reeve/error.h"

#define EXIT_NOT_ALL_RUN 3
#define EXIT_NONE_RUNS 4

/* A name this long or shorter gets a column of its own width. */
#define NAME_COLUMN 30

/* ---- finding the board ---- */

/* The descriptor of the board among those of a process, opened for reading. */
static int open_board_of(pid_t pid)
{
	static const char link_text[] = "/memfd:" BOARD_MAGIC " (deleted)";
	char path[64], target[sizeof link_text + 1];
	struct dirent *entry;
	DIR *directory;
	int fd = -ENOENT;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	if (!directory)
		return -errno;
	while (fd == -ENOENT && (entry = readdir(directory))) {
		ssize_t length = readlinkat(
			dirfd(directory), entry->d_name, target, sizeof target);

		if (length != sizeof link_text - 1 || memcmp(target, link_text, (size_t)length) != 0)
			continue;
		fd = openat(dirfd(directory), entry->d_name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	closedir(directory);
	return fd;
}

static int read_pid_file_path(const char *configuration, char **ret)
{
	struct config_request request = {
		.path = configuration,
		.source = &config_source_assume,
		.environment = (const char *const *)environ,
	};
	struct report report;
	struct config *config;
	int r;

	report_init(&report);
	r = config_read(&request, &config, &report);
	for (size_t i = 0; i < report.count; i++) {
		char *text = NULL;

		if (report.entries[i].level == REPORT_ERROR)
			text = report_entry_text(&report.entries[i]);
		if (text)
			fprintf(stderr, "reeved: %s\n", text);
		free(text);
	}
	report_deinit(&report);
	if (r < 0)
		return r;
	*ret = strdup(config->supervisord.pidfile);
	config_free(config);
	return *ret ? 0 : -ENOMEM;
}

static int find_board(const char *configuration, struct board *ret)
{
	char *path;
	pid_t pid;
	int fd, r;

	r = read_pid_file_path(configuration, &path);
	if (r < 0)
		return r;
	r = reeve_pid_file_owner(path, &pid);
	if (r < 0)
		fprintf(stderr, "reeved: none runs with the pid file %s: %s\n", path,
			reeve_error_text(r));
	free(path);
	if (r < 0)
		return r;
	fd = open_board_of(pid);
	if (fd < 0) {
		fprintf(stderr, "reeved: cannot look at the board of pid %d: %s\n", (int)pid,
			reeve_error_text(fd));
		return fd;
	}
	r = board_open(fd, ret);
	close(fd);
	if (r < 0)
		fprintf(stderr, "reeved: the board of pid %d cannot be read: %s\n", (int)pid,
			r == -EPROTO ? "it is another version's" : reeve_error_text(r));
	return r;
}

/* ---- the table ---- */

struct table {
	struct board_record *records;
	size_t count;
	int name_width;
};

/* "x" for process x of group x, "g:x" for another group's. */
static void write_name(const struct board_record *record, char *text, size_t size)
{
	if (strcmp(record->group, record->name) == 0)
		snprintf(text, size, "%s", record->name);
	else
		snprintf(text, size, "%s:%s", record->group, record->name);
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

static void describe(const struct board_record *record, char *text, size_t size)
{
	char uptime[48];
	struct tm local;
	time_t stopped = record->stopped_wall;

	text[0] = '\0';
	switch (record->state) {
	case STATE_RUNNING:
		write_uptime(reeve_now() - record->started, uptime, sizeof uptime);
		snprintf(text, size, "pid %d, uptime %s", (int)record->pid, uptime);
		break;
	case STATE_FATAL:
	case STATE_BACKOFF:
		snprintf(text, size, "%s",
			record->error[0] ? record->error : "unknown error (see its log)");
		break;
	case STATE_STOPPED:
	case STATE_EXITED:
		if (record->starts == 0)
			snprintf(text, size, "Not started");
		else if (localtime_r(&stopped, &local))
			strftime(text, size, "%b %d %I:%M %p", &local);
		break;
	}
}

static int compare(const void *a, const void *b)
{
	const struct board_record *one = a, *other = b;
	int order = strcmp(one->group, other->group);

	return order != 0 ? order : strcmp(one->name, other->name);
}

static int read_table(const struct board *board, struct table *ret)
{
	uint32_t rows = atomic_load(&board->header->rows);
	char name[2 * BOARD_NAME_SIZE];

	*ret = (struct table){ .name_width = NAME_COLUMN };
	if (rows > BOARD_ROWS_MAX)
		rows = BOARD_ROWS_MAX;
	ret->records = calloc((size_t)rows + 1, sizeof *ret->records);
	if (!ret->records)
		return -ENOMEM;
	for (uint32_t row = 0; row < rows; row++) {
		struct board_record *record = &ret->records[ret->count];

		if (board_read(board, row, record) < 0)
			continue;
		write_name(record, name, sizeof name);
		if ((int)strlen(name) > ret->name_width)
			ret->name_width = (int)strlen(name);
		ret->count++;
	}
	qsort(ret->records, ret->count, sizeof *ret->records, compare);
	return 0;
}

static int print_table(const struct table *table, FILE *out)
{
	int status = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct board_record *record = &table->records[i];
		char name[2 * BOARD_NAME_SIZE], description[BOARD_TEXT_SIZE + 64];
		const char *state = process_state_name(record->state);

		write_name(record, name, sizeof name);
		describe(record, description, sizeof description);
		fprintf(out, "%-*s   %-10s%s\n", table->name_width, name, state ? state : "?",
			description);
		if (process_state_is_stopped((enum process_state)record->state))
			status = EXIT_NOT_ALL_RUN;
	}
	return status;
}

int status_print(const char *configuration, FILE *out)
{
	struct board board;
	struct table table;
	int status;

	if (find_board(configuration, &board) < 0)
		return EXIT_NONE_RUNS;
	if (read_table(&board, &table) < 0) {
		fprintf(stderr, "reeved: out of memory\n");
		status = EXIT_NONE_RUNS;
	} else {
		status = print_table(&table, out);
		free(table.records);
	}
	board_close(&board);
	return status;
}
