#include "lib/process/reap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "lib/base/sys.h"
#include "lib/process/process.h"
#include "lib/process/registry.h"

struct hook {
	reeve_process_reap_hook *call;
	void *data;
};

static pthread_mutex_t hooks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct hook hooks[REEVE_PROCESS_REAP_HOOKS_MAX];
static atomic_size_t hook_count;

void reap_hooks_lock(void)
{
	pthread_mutex_lock(&hooks_lock);
}

void reap_hooks_unlock(void)
{
	pthread_mutex_unlock(&hooks_lock);
}

static size_t find_hook(reeve_process_reap_hook *call, void *data)
{
	size_t i = 0, count = atomic_load(&hook_count);

	while (i < count && (hooks[i].call != call || hooks[i].data != data))
		i++;
	return i;
}

int reeve_process_before_reap(reeve_process_reap_hook *hook, void *data)
{
	size_t count;
	int r = 0;

	if (!hook)
		return -EINVAL;
	pthread_mutex_lock(&hooks_lock);
	count = atomic_load(&hook_count);
	if (find_hook(hook, data) < count) {
		r = -EEXIST;
	} else if (count == REEVE_PROCESS_REAP_HOOKS_MAX) {
		r = -ENOSPC;
	} else {
		hooks[count] = (struct hook){ hook, data };
		atomic_store(&hook_count, count + 1);
	}
	pthread_mutex_unlock(&hooks_lock);
	return r;
}

int reeve_process_before_reap_remove(reeve_process_reap_hook *hook, void *data)
{
	size_t i, count;

	pthread_mutex_lock(&hooks_lock);
	count = atomic_load(&hook_count);
	i = find_hook(hook, data);
	if (i < count) {
		for (; i + 1 < count; i++)
			hooks[i] = hooks[i + 1];
		atomic_store(&hook_count, count - 1);
		i = count + 1;
	}
	pthread_mutex_unlock(&hooks_lock);
	return i > count ? 0 : -ENOENT;
}

/* Called from a copy, so that a hook may reap, add and remove. */
static void call_hooks(pid_t pid)
{
	struct hook copy[REEVE_PROCESS_REAP_HOOKS_MAX];
	size_t count;

	pthread_mutex_lock(&hooks_lock);
	count = atomic_load(&hook_count);
	for (size_t i = 0; i < count; i++)
		copy[i] = hooks[i];
	pthread_mutex_unlock(&hooks_lock);
	for (size_t i = 0; i < count; i++)
		copy[i].call(pid, copy[i].data);
}

static int peek(int type, id_t id, int options, siginfo_t *ret)
{
	*ret = (siginfo_t){ .si_pid = 0 };
	while (sys_waitid(type, id, ret, options | WNOHANG | WNOWAIT, NULL) < 0)
		if (errno != EINTR)
			return -errno;
	return ret->si_pid ? 0 : -EAGAIN;
}

int reap_one(int type, id_t id, int options, struct reeve_process_outcome *ret)
{
	siginfo_t info;
	int r;

	if (atomic_load(&hook_count) == 0)
		return registry_reap(type, id, options, ret);
	r = peek(type, id, options, &info);
	if (r < 0)
		return r;
	if (info.si_code != CLD_STOPPED && info.si_code != CLD_CONTINUED &&
		info.si_code != CLD_TRAPPED)
		call_hooks(info.si_pid);
	return registry_reap(P_PID, (id_t)info.si_pid, options, ret);
}
