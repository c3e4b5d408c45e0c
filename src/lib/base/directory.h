/* What is in a directory, without the heap. */
#ifndef LIB_BASE_DIRECTORY_H
#define LIB_BASE_DIRECTORY_H

/* Have `call` see the name of each entry of an open directory, "." and ".." too, until it returns
 * something other than 0. The descriptor's position is moved. Returns what `call` returned last, or a
 * negative errno as getdents(2). */
int directory_each(int fd, int (*call)(void *data, const char *name), void *data);

#endif
