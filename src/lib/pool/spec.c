#include <errno.h>
#include <string.h>

#include "lib/base/sys.h"
#include "lib/pool/pool.h"

#define GRACE (30 * REEVE_SEC)
#define KILL_AFTER (5 * REEVE_SEC)
#define YOUNG REEVE_SEC
#define BACKOFF (100 * REEVE_MSEC)
#define BACKOFF_MAX (30 * REEVE_SEC)
#define SPARE_EVERY REEVE_SEC

/* A duration that is not negative, or for ever where that makes sense. */
static bool is_time(reeve_nsec time, bool forever)
{
	return (time >= 0 && time <= INT64_MAX / 2) || (forever && time == REEVE_FOREVER);
}

static bool times_are_good(const struct reeve_pool_spec *spec)
{
	return is_time(spec->recycle_time, false) && is_time(spec->stuck_after, false) &&
	       is_time(spec->grace, true) && is_time(spec->kill_after, true) &&
	       is_time(spec->young, true) && is_time(spec->backoff, false) &&
	       is_time(spec->backoff_max, false) && is_time(spec->spare_every, false);
}

static bool work_is_one(const struct reeve_pool_spec *spec)
{
	return !!spec->serve + !!spec->handle + !!spec->run == 1 &&
	       (!spec->handle || (spec->queue && spec->arena)) && !spec->results == !spec->result;
}

/* After the defaults. */
static bool limits_fit(const struct reeve_pool_spec *spec)
{
	return spec->workers > 0 && spec->workers <= spec->workers_max &&
	       spec->workers_min <= spec->workers_max && spec->spare_min <= spec->spare_max &&
	       spec->backoff <= spec->backoff_max && spec->orphan_signal >= 0 &&
	       spec->orphan_signal <= 64;
}

static int check_listener(int fd)
{
	socklen_t size = sizeof(int);
	int listens = 0;

	if (sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
		return -errno;
	return listens ? 0 : -EINVAL;
}

static void default_time(reeve_nsec *time, reeve_nsec by_default)
{
	if (*time == 0)
		*time = by_default;
}

int spec_check(const struct reeve_pool_spec *given, struct reeve_pool_spec *ret)
{
	struct reeve_pool_spec spec = *given;

	if (!spec.name)
		spec.name = "pool";
	if (spec.workers_max == 0)
		spec.workers_max = spec.workers;
	if (spec.workers_min == 0)
		spec.workers_min = 1;
	if (!times_are_good(&spec))
		return -EINVAL;
	default_time(&spec.grace, GRACE);
	default_time(&spec.kill_after, KILL_AFTER);
	default_time(&spec.young, YOUNG);
	default_time(&spec.backoff, BACKOFF);
	default_time(&spec.backoff_max, spec.backoff > BACKOFF_MAX ? spec.backoff : BACKOFF_MAX);
	default_time(&spec.spare_every, SPARE_EVERY);
	if (spec.workers > REEVE_POOL_WORKERS_MAX || spec.workers_max > REEVE_POOL_WORKERS_MAX)
		return -EOVERFLOW;
	if (!work_is_one(&spec) || !limits_fit(&spec))
		return -EINVAL;
	*ret = spec;
	return spec.serve ? check_listener(spec.listen_fd) : 0;
}
