/* A binary heap of running timers: by deadline, equal ones by the order in which they were started. Nodes are members
 * of what they time; each knows its place, so that it is removed in O(log n) without a search. */
#ifndef LIB_LOOP_TIMER_HEAP_H
#define LIB_LOOP_TIMER_HEAP_H

#include "reeve/base.h"

struct timer_node {
	reeve_nsec deadline;
	uint64_t started; /* the how-manieth start it was */
	size_t place;     /* 1-based index in the heap; 0: not in it */
};

struct timer_heap {
	struct timer_node **nodes;
	size_t count, size;
	uint64_t starts;
};

/* Make room for `count` nodes in all. Returns 0 or -ENOMEM. */
int timer_heap_reserve(struct timer_heap *heap, size_t count);

/* Add a node that is not in the heap; there must be room. */
void timer_heap_add(struct timer_heap *heap, struct timer_node *node, reeve_nsec deadline);

/* No-op where it is not in the heap. */
void timer_heap_remove(struct timer_heap *heap, struct timer_node *node);

/* The one that is due first, or NULL. */
static inline struct timer_node *timer_heap_first(const struct timer_heap *heap)
{
	return heap->count ? heap->nodes[0] : NULL;
}

#endif
