#include "lib/signal/gate.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/sys.h"

static _Atomic(atomic_bool *) page;

static int map_page(void)
{
	long size = sysconf(_SC_PAGESIZE);
	void *mapped = sys_mmap(
		NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mapped == MAP_FAILED)
		return -ENOMEM;
	/* Where that is unknown (an emulator), fork(2) is noticed by pthread_atfork(3) alone. */
	if (sys_madvise(mapped, (size_t)size, MADV_WIPEONFORK) < 0 && errno != EINVAL) {
		int r = -errno;

		munmap(mapped, (size_t)size);
		return r;
	}
	atomic_store(&page, mapped);
	return 0;
}

int gate_open(void)
{
	if (!atomic_load(&page)) {
		int r = map_page();

		if (r < 0)
			return r;
	}
	atomic_store(atomic_load(&page), true);
	return 0;
}

void gate_close(void)
{
	atomic_bool *open = atomic_load(&page);

	if (open)
		atomic_store(open, false);
}

bool gate_is_open(void)
{
	atomic_bool *open = atomic_load_explicit(&page, memory_order_acquire);

	return open && atomic_load_explicit(open, memory_order_relaxed);
}
