#include "lib/process/registry.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/sys.h"
#include "lib/process/reap.h"

#define N_BUCKETS 256u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct reeve_process *buckets[N_BUCKETS];
static struct reeve_process *abandoned, **abandoned_end = &abandoned;

static struct newborn *newborns;

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static int fork_watched;

static struct reeve_process **bucket_of(pid_t pid)
{
	return &buckets[(unsigned)pid % N_BUCKETS];
}

static struct reeve_process *find(pid_t pid)
{
	struct reeve_process *process = *bucket_of(pid);

	while (process && process->pid != pid)
		process = process->next;
	return process;
}

static void unlink_process(struct reeve_process *process)
{
	struct reeve_process **link = bucket_of(process->pid);

	while (*link && *link != process)
		link = &(*link)->next;
	if (*link)
		*link = process->next;
	process->next = NULL;
}

/* --- fork(2): the child has no children ------------------------------------------------------- */

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
	reap_hooks_lock();
}

static void after_fork_in_parent(void)
{
	reap_hooks_unlock();
	pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
	for (size_t i = 0; i < N_BUCKETS; i++) {
		for (struct reeve_process *process = buckets[i]; process; process = process->next)
			process->is_child = false;
		buckets[i] = NULL;
	}
	newborns = NULL;
	while (abandoned) {
		struct reeve_process *process = abandoned;

		abandoned = process->next;
		free(process);
	}
	abandoned_end = &abandoned;
	after_fork_in_parent();
}

static void watch_forks(void)
{
	fork_watched = -sys_pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int registry_watch_forks(void)
{
	pthread_once(&fork_once, watch_forks);
	return fork_watched;
}

/* --- Newborns --------------------------------------------------------------------------------- */

void registry_expect(struct newborn *newborn)
{
	pthread_mutex_lock(&lock);
	newborn->next = newborns;
	newborns = newborn;
	pthread_mutex_unlock(&lock);
}

void registry_unexpect(struct newborn *newborn)
{
	struct newborn **link = &newborns;

	pthread_mutex_lock(&lock);
	while (*link && *link != newborn)
		link = &(*link)->next;
	if (*link)
		*link = newborn->next;
	pthread_mutex_unlock(&lock);
}

static bool has_pid(const pid_t *place, pid_t pid)
{
	return place && __atomic_load_n(place, __ATOMIC_RELAXED) == pid;
}

static bool is_expected(pid_t pid)
{
	const struct newborn *newborn = newborns;

	while (newborn && !has_pid(newborn->pid, pid) && !has_pid(newborn->other_pid, pid))
		newborn = newborn->next;
	return newborn;
}

/* --- Handles ---------------------------------------------------------------------------------- */

void registry_add(struct reeve_process *process)
{
	pthread_mutex_lock(&lock);
	process->next = *bucket_of(process->pid);
	*bucket_of(process->pid) = process;
	pthread_mutex_unlock(&lock);
}

bool registry_knows(pid_t pid)
{
	bool known;

	pthread_mutex_lock(&lock);
	known = find(pid) || is_expected(pid);
	pthread_mutex_unlock(&lock);
	return known;
}

static void tell_handles(const struct reeve_process_outcome *outcome)
{
	struct reeve_process *process;

	while ((process = find(outcome->pid))) {
		process->ended = true;
		process->outcome = *outcome;
		unlink_process(process);
	}
}

int registry_reap(int type, id_t id, int options, struct reeve_process_outcome *ret)
{
	siginfo_t info = { .si_pid = 0 };
	struct rusage usage;
	int r;

	pthread_mutex_lock(&lock);
	do
		r = sys_waitid(type, id, &info, options | WNOHANG, &usage) < 0 ? -errno : 0;
	while (r == -EINTR);
	if (r == 0 && info.si_pid == 0)
		r = -EAGAIN;
	if (r == 0) {
		outcome_from(&info, &usage, ret);
		if (outcome_is_end(ret))
			tell_handles(ret);
	}
	pthread_mutex_unlock(&lock);
	return r;
}

bool registry_ended(const struct reeve_process *process, struct reeve_process_outcome *ret)
{
	bool ended;

	pthread_mutex_lock(&lock);
	ended = process->ended;
	if (ended && ret)
		*ret = process->outcome;
	pthread_mutex_unlock(&lock);
	return ended;
}

void registry_lost(struct reeve_process *process, struct reeve_process_outcome *ret)
{
	pthread_mutex_lock(&lock);
	if (!process->ended) {
		process->ended = true;
		process->outcome = (struct reeve_process_outcome){
			.how = REEVE_PROCESS_UNKNOWN,
			.pid = process->pid,
		};
		unlink_process(process);
	}
	if (ret)
		*ret = process->outcome;
	pthread_mutex_unlock(&lock);
}

/* --- The abandoned ---------------------------------------------------------------------------- */

static void append(struct reeve_process *process)
{
	process->next = NULL;
	*abandoned_end = process;
	abandoned_end = &process->next;
}

static struct reeve_process *take_first(void)
{
	struct reeve_process *process;

	pthread_mutex_lock(&lock);
	process = abandoned;
	if (process)
		abandoned = process->next;
	if (!abandoned)
		abandoned_end = &abandoned;
	pthread_mutex_unlock(&lock);
	return process;
}

void registry_abandon_consume(struct reeve_process *process)
{
	pthread_mutex_lock(&lock);
	unlink_process(process);
	if (process->ended || !process->is_child)
		free(process);
	else
		append(process);
	pthread_mutex_unlock(&lock);
}

void registry_sweep(size_t most)
{
	struct reeve_process_outcome outcome;
	pid_t first_alive = 0;

	while (most-- > 0) {
		struct reeve_process *process = take_first();
		bool again;

		if (!process)
			return;
		again = process->pid == first_alive;
		if (again || reap_one(P_PID, (id_t)process->pid, WEXITED, &outcome) == -EAGAIN) {
			first_alive = first_alive ? first_alive : process->pid;
			pthread_mutex_lock(&lock);
			append(process);
			pthread_mutex_unlock(&lock);
		} else {
			free(process);
		}
		if (again)
			return;
	}
}
