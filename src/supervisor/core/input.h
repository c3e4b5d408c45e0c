/* What is to be written to the standard input of a program, which reads it when it likes: the core never waits for
 * it. What its pipe has no room for is kept until it has; it is lost with the core, or with the process. */
#ifndef CORE_INPUT_H
#define CORE_INPUT_H

#include <stddef.h>

struct process;
struct input;

/* The most that is kept for one process. */
#define INPUT_MAX ((size_t)4 << 20)

/* Write all of it, now or later. -EPIPE: it has closed its standard input, or has none; -ENOBUFS: it has not read what
 * is kept already, and this would be too much. On these nothing was taken; on -ENOMEM a part may have been. */
int input_write(struct process *process, const void *bytes, size_t size);

/* The process has ended, or has a new pipe: forget what is kept. */
void input_drop(struct process *process);

#endif
