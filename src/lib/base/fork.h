/* Whether this process is a forked copy of the one that made an object: for objects whose kernel side is shared with
 * the parent and must not be touched in a child. */
#ifndef LIB_BASE_FORK_H
#define LIB_BASE_FORK_H

/* Count forks from now on. To be called before fork_generation() is compared with anything. Returns 0 or -ENOMEM;
 * thread-safe, any number of times. */
int fork_watch(void);

/* A number that each fork(2) since fork_watch() makes greater in the child. A plain load, no system call; processes
 * cloned behind libc's back are not counted. */
unsigned fork_generation(void);

#endif
