/* Whether this process is a forked copy of the one that made an object: for objects whose kernel side is shared with
 * the parent and must not be touched in a child. */
#ifndef LIB_BASE_FORK_H
#define LIB_BASE_FORK_H

/* Count forks from now on. To be called before fork_generation() is compared with anything. Returns 0 or -ENOMEM;
 * thread-safe, any number of times. */
int fork_watch(void);

/* How many fork(2)s lie between this process and the one that called fork_watch() first. A plain load, no system
 * call; processes cloned behind libc's back are not counted. */
unsigned fork_generation(void);

#endif
