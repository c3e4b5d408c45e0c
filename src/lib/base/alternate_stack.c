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
static int key_error;

static void release(void *mapping)
{
	stack_t none = { .ss_flags = SS_DISABLE };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (sys_sigaltstack(&none, NULL) < 0)
		return; /* in use: better left mapped */
	munmap(mapping, page + usable_size(page));
}

static void make_key(void)
{
	key_error = sys_pthread_key_create(&key, release);
}

/* A page below it that nobody may touch: what overflows this stack as well must not write over something else. */
static void *map_stack(size_t page, size_t size)
{
	char *mapping = sys_mmap(NULL, page + size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (mapping == MAP_FAILED)
		return NULL;
	if (sys_mprotect(mapping, page, PROT_NONE) == 0)
		return mapping;
	munmap(mapping, page + size);
	return NULL;
}

int alternate_stack_enter(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = usable_size(page);
	stack_t stack = { .ss_size = size };
	stack_t present;
	char *mapping;

	if (sys_sigaltstack(NULL, &present) < 0)
		return -errno;
	if (!(present.ss_flags & SS_DISABLE))
		return 0;
	pthread_once(&once, make_key);
	if (key_error)
		return -key_error;
	mapping = map_stack(page, size);
	if (!mapping)
		return -ENOMEM;
	stack.ss_sp = mapping + page;
	if (pthread_setspecific(key, mapping) != 0 || sys_sigaltstack(&stack, NULL) < 0) {
		pthread_setspecific(key, NULL);
		munmap(mapping, page + size);
		return -ENOMEM;
	}
	return 0;
}
