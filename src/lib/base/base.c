#include "reeve/base.h"

#include <time.h>

reeve_nsec reeve_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * REEVE_SEC + now.tv_nsec;
}

const char *reeve_version(void)
{
	return REEVE_VERSION;
}
