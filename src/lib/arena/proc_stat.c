#include "lib/arena/proc_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"

#define FILE_MAX 1024
#define FIELD_STATE 3
#define FIELD_START_TIME 22

/* The whole of a small file, as a string. */
static int read_file(const char *path, char text[FILE_MAX])
{
	CLEANUP_FD int fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = sys_read(fd, text, FILE_MAX - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}

/* The second field, the program's name, may hold anything, parentheses and spaces too: what
 * counts begins behind the last parenthesis. */
int proc_stat_parse(const char *text, char *ret_state, uint64_t *ret_start_time)
{
	const char *at = strrchr(text, ')');
	uint64_t start_time;
	char state;

	if (!at || at[1] != ' ' || !at[2])
		return -EBADMSG;
	state = at[2];
	at += 2;
	for (int field = FIELD_STATE; field < FIELD_START_TIME; field++) {
		at = strchr(at, ' ');
		if (!at)
			return -EBADMSG;
		at++;
	}
	if (sscanf(at, "%" SCNu64, &start_time) != 1)
		return -EBADMSG;
	*ret_state = state;
	*ret_start_time = start_time;
	return 0;
}

/* Whether the kernel counts is its configuration's choice. */
static void read_schedule(pid_t pid, pid_t tid, struct proc_stat *stat)
{
	char path[64], text[FILE_MAX];
	int64_t ran, waited;

	snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)pid, (int)tid);
	if (read_file(path, text) == 0 &&
		sscanf(text, "%" SCNd64 " %" SCNd64, &ran, &waited) == 2) {
		stat->ran = ran;
		stat->waited = waited;
	}
}

int proc_stat_read(pid_t pid, pid_t tid, struct proc_stat *ret)
{
	struct proc_stat stat = { .ran = -1 }, thread;
	char path[64] = "/proc/self/stat", text[FILE_MAX];
	int r;

	if (pid)
		snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	r = read_file(path, text);
	if (r == 0)
		r = proc_stat_parse(text, &stat.state, &stat.start_time);
	if (r < 0)
		return r;
	if (pid && tid != pid) {
		snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
		if (read_file(path, text) == 0)
			(void)proc_stat_parse(text, &stat.state, &thread.start_time);
	}
	if (pid)
		read_schedule(pid, tid, &stat);
	*ret = stat;
	return 0;
}
