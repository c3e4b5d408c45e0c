/* Children that came to us because their parents died: looked at first, reaped only if they are
 * nobody's. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/process/process.h"
#include "lib/process/reap.h"
#include "lib/process/registry.h"

struct census {
	reeve_process_orphan_callback *callback;
	void *data;
	int reaped;
};

int reeve_process_set_subreaper(bool on)
{
	return sys_prctl(PR_SET_CHILD_SUBREAPER, on) < 0 ? -errno : 0;
}

int reeve_process_get_subreaper(bool *ret)
{
	int on = 0;

	if (sys_prctl(PR_GET_CHILD_SUBREAPER, (unsigned long)(uintptr_t)&on) < 0)
		return -errno;
	*ret = on;
	return 0;
}

static int look(int type, id_t id, struct reeve_process_outcome *ret)
{
	siginfo_t info = { .si_pid = 0 };
	struct rusage usage;

	while (sys_waitid(type, id, &info, WEXITED | WNOHANG | WNOWAIT, &usage) < 0)
		if (errno != EINTR)
			return -errno;
	if (info.si_pid == 0)
		return -EAGAIN;
	outcome_from(&info, &usage, ret);
	return 0;
}

/* Reap a dead child if it is an orphan: 1; 0 if it is to be left alone; or a negative errno. */
static int consider(struct census *census, const struct reeve_process_outcome *seen)
{
	struct reeve_process_outcome outcome;
	int r;

	if (registry_knows(seen->pid))
		return 0;
	if (census->callback && !census->callback(seen, census->data))
		return 0;
	r = reap_one(P_PID, (id_t)seen->pid, WEXITED, &outcome);
	if (r < 0)
		return r == -ECHILD || r == -EAGAIN ? 1 : r; /* gone all the same */
	census->reaped++;
	return 1;
}

static void cleanup_dir(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* Every dead child, by asking for each process that there is. */
static int consider_each(struct census *census)
{
	CLEANUP(cleanup_dir) DIR *directory = opendir("/proc");
	struct reeve_process_outcome seen;
	struct dirent *entry;
	int r;

	if (!directory)
		return -errno;
	while ((entry = readdir(directory))) {
		unsigned long pid = strtoul(entry->d_name, NULL, 10);

		if (pid == 0 || look(P_PID, (id_t)pid, &seen) < 0)
			continue;
		r = consider(census, &seen);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The kernel shows the first dead child again and again until it is reaped: one that has to stay
 * hides the others. */
int reeve_process_reap_orphans(reeve_process_orphan_callback *callback, void *data)
{
	struct census census = { .callback = callback, .data = data };
	struct reeve_process_outcome seen;
	int r;

	registry_sweep(SIZE_MAX);
	while ((r = look(P_ALL, 0, &seen)) == 0) {
		r = consider(&census, &seen);
		if (r == 0)
			r = consider_each(&census);
		else if (r == 1)
			continue;
		break;
	}
	if (r < 0 && r != -EAGAIN && r != -ECHILD)
		return r;
	return census.reaped;
}
