/* reeve/fault.h - a backtrace when the program crashes, or on demand.
 *
 * A report is written with plain write(2) calls, from a signal handler on a stack of its own, so that it works
 * after a stack overflow too; it allocates nothing and takes no lock. For each frame it tells the address,
 * the module with the offset in it (as addr2line -e wants it), and the function where the module's file has a
 * symbol table, which is read from the file with plain system calls:
 *
 *   Fatal signal SIGSEGV: address 0x10 is not mapped, in thread 4711 "worker" of process 4700
 *     #0 0x0000556d1c2a9189 parse_line+0x19 (/usr/sbin/reeved+0x9189)
 *     #1 0x0000556d1c2a9312 read_file+0x52 (/usr/sbin/reeved+0x9311)
 *     ...
 *
 * Handlers are process-wide. Functions are thread-safe; reeve_fault_dump() is async-signal-safe once
 * reeve_fault_enable() or reeve_fault_dump() itself has been called before. See reeve_fault(3). */
#ifndef REEVE_FAULT_H
#define REEVE_FAULT_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Hard cap: frames in one report. */
#define REEVE_FAULT_FRAMES_MAX 128

/* Report SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT to `fd`, then let what was installed before take its
 * course: the default action (core dump, death by that very signal) or somebody else's handler, which is called
 * with the original cause. Where it is enabled already, only `fd` changes.
 *
 * The calling thread, and every thread that reeve_thread_start() makes from now on, gets an alternate
 * stack; for others see reeve_fault_enable_thread(). `fd` is borrowed until reeve_fault_disable().
 *
 * Returns 0, or -EBADF, -ENOMEM. */
REEVE_API int reeve_fault_enable(int fd);

/* Put back what was installed before. No-op where it is not enabled. */
REEVE_API void reeve_fault_disable(void);

REEVE_API bool reeve_fault_is_enabled(void);

/* Give the calling thread an alternate stack, so that a stack overflow in it can be reported; released when the
 * thread ends. One that it has already is kept. Returns 0, or -ENOMEM. */
REEVE_API int reeve_fault_enable_thread(void);

/* Write the calling thread's backtrace to `fd` now. Returns 0, or -EBADF, -EPIPE, -EIO, ... (a descriptor that
 * can't be written to at once is waited for). */
REEVE_API int reeve_fault_dump(int fd);

/* Report the thread that receives `signo` to `fd`, whenever it comes; the program goes on. Only one descriptor
 * a signal: the last call counts. What was installed before is not called, and put back by
 * reeve_fault_unregister(). Returns 0, or -EINVAL for what is no signal or can't be caught or is one of the
 * fatal five, -EBADF, -ENOMEM. */
REEVE_API int reeve_fault_register(int signo, int fd);

/* Returns 0, or -ENOENT where `signo` is not registered. */
REEVE_API int reeve_fault_unregister(int signo);

/* Report the calling thread `after` nanoseconds from now, by sending it `signo` (which must be registered),
 * and then every `interval` (0: once): for a program that hangs now and then. One a process: a second
 * call replaces the first. Returns 0, or -ENOENT where `signo` is not registered, -EINVAL for a negative
 * or no time, -EAGAIN. */
REEVE_API int reeve_fault_dump_later(int signo, reeve_nsec after, reeve_nsec interval);

/* Never mind. No-op where nothing is outstanding. */
REEVE_API void reeve_fault_cancel_dump_later(void);

#ifdef __cplusplus
}
#endif

#endif
