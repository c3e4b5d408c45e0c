/* Kill a process at every instruction of an operation.
 *
 * A child runs the operation one instruction at a time, under ptrace(2). What it can leave
 * behind when it is killed is what it wrote to shared memory and what the kernel keeps for it;
 * so two instructions between which neither a shared byte changed nor a system call was made are
 * one and the same place to die. Each place that differs is tried, in a run of its own from a
 * fresh state: that covers each instruction, in seconds. With REEVE_KILL_EACH=1 in the
 * environment each single instruction is tried all the same.
 *
 *	prepare   in the tracer, before each run: the shared state from scratch
 *	enter     in the child, not stepped; may be NULL
 *	operate   in the child, stepped
 *	meanwhile in the tracer, while the child stands still at the place; may be NULL
 *	settle    in the tracer, when the child has been killed (`finished`: it had come to its
 *	          end): recover, and check what must hold; release what prepare made
 *	memory    the shared memory */
#ifndef TESTS_KILL_STEP_H
#define TESTS_KILL_STEP_H

#include <stdbool.h>
#include <stddef.h>

struct step_scenario {
	const char *name;
	void (*prepare)(void);
	void (*enter)(void);
	void (*operate)(void);
	void (*meanwhile)(void);
	void (*settle)(bool finished);
	const void *(*memory)(size_t *ret_size);
};

struct step_tally {
	unsigned instructions; /* of the operation */
	unsigned places;       /* of those, where to die makes a difference */
};

/* Where the child of this run stood: for messages. */
extern char step_where[128];

/* Whether this process may trace its children; not under some sandboxes. */
bool step_allowed(void);

/* The child is killed at each place. */
struct step_tally step_kill_everywhere(const struct step_scenario *scenario);

/* The child stands still at each place while `meanwhile` runs, and then goes on to its end. */
struct step_tally step_pause_everywhere(const struct step_scenario *scenario);

#endif
