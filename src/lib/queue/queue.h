/* A handle of a queue, as its own files see it: queue.c makes it and checks arguments, wait.c
 * waits and notifies, fd.c keeps the descriptor, and a form (form.h) does the work. */
#ifndef LIB_QUEUE_QUEUE_H
#define LIB_QUEUE_QUEUE_H

#include "lib/queue/form.h"

struct queue_watch;

struct reeve_queue {
	struct queue_object object;
	const struct queue_form *form;
	void *state; /* the form's */
	bool spins;  /* whether another processor may do what is waited for */
	_Atomic int spin_estimate;
	_Atomic(struct queue_watch *) watch; /* NULL: nobody has asked for a descriptor */
};

/* --- Waiting (wait.c) ------------------------------------------------------------------------- */

/* -EAGAIN: not yet. */
typedef int queue_try(struct reeve_queue *queue, unsigned self, void *data);

/* Try until it is something other than -EAGAIN. -ETIMEDOUT, -EINVAL, or as arena_self(). */
int queue_until(struct reeve_queue *queue, struct eventcount *event, reeve_nsec timeout,
	queue_try *try, void *data);

/* Tell those that wait: so many messages came; so many were got; one that was with a consumer is
 * done, or a reserved one given up. */
void queue_came(struct reeve_queue *queue, unsigned count);
void queue_got(struct reeve_queue *queue, unsigned count);
void queue_ended(struct reeve_queue *queue);

void queue_wake_all(struct queue_header *header);

/* --- The descriptor (fd.c) -------------------------------------------------------------------- */

/* A getter of this process has been here: there may be nothing left. */
void queue_watch_look(struct reeve_queue *queue);
void queue_watch_free(struct reeve_queue *queue);


#endif
