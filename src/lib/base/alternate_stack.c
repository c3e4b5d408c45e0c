#include "lib/base/alternate_stack.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/sys.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

/* What a handler may use, beside the frame that the kernel pushes. */
#define ROOM (64 * 1024)

static atomic_bool wanted;

void alternate_stack_want(void)
{
	atomic_store(&wanted, true);
}

bool alternate_stack_is_wanted(void)
{
	return atomic_load(&wanted);
}

/* The kernel's frame holds all registers: its size is the processor's business. */
static size_t usable_size(size_t page)
{
	size_t frame = getauxval(AT_MINSIGSTKSZ);

	if (frame < (size_t)MINSIGSTKSZ)
		frame = (size_t)MINSIGSTKSZ;
	return (ROOM + frame + page - 1) / page * page;
}

/* --- release at the end of the thread --- */

static pthread_key_t key;

static void release(void *mapping)
{
	stack_t none = { .ss_flags = SS_DISABLE };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (sys_sigaltstack(&none, NULL) < 0)
		return; /* in use: better left mapped */
	munmap(mapping, page + usable_size(page));
}

/* Once, but for tries that failed. */
static int make_key(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bool made;
	int error = 0;

	pthread_mutex_lock(&lock);
	if (!made)
		error = sys_pthread_key_create(&key, release);
	if (!error)
		made = true;
	pthread_mutex_unlock(&lock);
	return -error;
}

/* A page below it that nobody may touch: what overflows this stack as well must not write over something else. */
static int map_stack(size_t page, size_t size, char **ret)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE;
	char *mapping = sys_mmap(NULL, page + size, PROT_READ | PROT_WRITE, flags, -1, 0);
	int r;

	if (mapping == MAP_FAILED)
		return -errno;
	if (sys_mprotect(mapping, page, PROT_NONE) < 0) {
		r = -errno;
		munmap(mapping, page + size);
		return r;
	}
	*ret = mapping;
	return 0;
}

/* Make `mapping` the stack of the calling thread, to be released with it. */
static int take_stack(char *mapping, size_t page, size_t size)
{
	stack_t stack = { .ss_sp = mapping + page, .ss_size = size };
	int r = -pthread_setspecific(key, mapping);

	if (r == 0 && sys_sigaltstack(&stack, NULL) < 0) {
		r = -errno;
		pthread_setspecific(key, NULL);
	}
	return r;
}

int alternate_stack_enter(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = usable_size(page);
	stack_t present;
	char *mapping = NULL;
	int r;

	if (sys_sigaltstack(NULL, &present) < 0)
		return -errno;
	if (!(present.ss_flags & SS_DISABLE))
		return 0;
	r = make_key();
	if (r == 0)
		r = map_stack(page, size, &mapping);
	if (r < 0)
		return r;
	r = take_stack(mapping, page, size);
	if (r < 0)
		munmap(mapping, page + size);
	return r;
}
