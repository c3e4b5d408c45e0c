/* reeve/base.h - what every libreeve header shares: export mark, time, versions.
 *
 * Conventions of the whole library:
 *
 *   Errors      A function that can fail returns 0 (or a count, a descriptor, a pid) on success and a
 *               negative errno on failure: never a global, never a message. reeve/error.h names them.
 *   Results     Out-parameters are called `ret` or `ret_x`, come last, and are written on success only.
 *   Objects     `x_new`/`x_open` make, `x_free` releases, takes NULL and returns NULL.
 *   Time        Durations are signed 64-bit nanoseconds on CLOCK_MONOTONIC. Every call that can block
 *               takes a `timeout`: 0 polls, REEVE_FOREVER waits without limit, other negatives: -EINVAL.
 *   Signals     A blocking call that a signal interrupts runs the handlers that are due (reeve/signal.h)
 *               and goes on with the time that is left, as PEP 475 has it; it returns -EINTR only where
 *               the signal was registered as interrupting.
 *   Threads     Functions may be called from any thread, one object from one thread at a time, unless
 *               said otherwise. No function is async-signal-safe unless said so.
 *   Descriptors Every descriptor the library makes is close-on-exec. */
#ifndef REEVE_BASE_H
#define REEVE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_VERSION_MAJOR 0
#define REEVE_VERSION_MINOR 1
#define REEVE_VERSION_MICRO 0
#define REEVE_VERSION "0.1.0"

#if defined(__GNUC__)
#define REEVE_API __attribute__((visibility("default")))
#else
#define REEVE_API
#endif

/* Nanoseconds: a duration, or a point on CLOCK_MONOTONIC. */
typedef int64_t reeve_nsec;

#define REEVE_FOREVER ((reeve_nsec)-1)
#define REEVE_USEC ((reeve_nsec)1000)
#define REEVE_MSEC ((reeve_nsec)1000000)
#define REEVE_SEC ((reeve_nsec)1000000000)

/* Now on CLOCK_MONOTONIC; cannot fail. Async-signal-safe. See clock_gettime(2). */
REEVE_API reeve_nsec reeve_now(void);

/* The version of the library that is linked, "MAJOR.MINOR.MICRO". */
REEVE_API const char *reeve_version(void);

#ifdef __cplusplus
}
#endif

#endif
