#include "support/faulty_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/sys.h"

static struct plan {
	atomic_uint left;
	atomic_bool fired;
	int error;
	const char *only;
	const char *failed;
} *plan;

__attribute__((constructor)) static void make_plan(void)
{
	plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void faulty_arm_call(const char *name, unsigned n, int error)
{
	plan->error = error;
	plan->only = name;
	plan->failed = NULL;
	atomic_store(&plan->fired, false);
	atomic_store(&plan->left, n);
}

void faulty_arm(unsigned n, int error)
{
	faulty_arm_call(NULL, n, error);
}

void faulty_disarm(void)
{
	atomic_store(&plan->left, 0);
}

bool faulty_fired(void)
{
	return atomic_load(&plan->fired);
}

const char *faulty_name(void)
{
	return plan->failed;
}

static bool fires(const char *name)
{
	if (atomic_load(&plan->left) == 0 || (plan->only && strcmp(plan->only, name) != 0))
		return false;
	if (atomic_fetch_sub(&plan->left, 1) != 1)
		return false;
	plan->failed = name;
	atomic_store(&plan->fired, true);
	errno = plan->error;
	return true;
}

#define SYS(type, failure, name, parameters, arguments, call)                                      \
	type sys_##name parameters                                                                 \
	{                                                                                          \
		if (fires(#name))                                                                  \
			return failure;                                                            \
		return call arguments;                                                             \
	}
#include "lib/base/sys.def"
