#include "lib/loop/timer_heap.h"

#include <errno.h>

#include "lib/base/sys.h"

int timer_heap_reserve(struct timer_heap *heap, size_t count)
{
	struct timer_node **nodes;
	size_t size;

	if (count <= heap->size)
		return 0;
	size = heap->size ? heap->size * 2 : 8;
	if (size < count)
		size = count;
	nodes = sys_reallocarray(heap->nodes, size, sizeof *nodes);
	if (!nodes)
		return -ENOMEM;
	heap->nodes = nodes;
	heap->size = size;
	return 0;
}

static bool is_before(const struct timer_node *a, const struct timer_node *b)
{
	return a->deadline != b->deadline ? a->deadline < b->deadline : a->started < b->started;
}

static void put(struct timer_heap *heap, size_t index, struct timer_node *node)
{
	heap->nodes[index] = node;
	node->place = index + 1;
}

static void sift_up(struct timer_heap *heap, size_t index, struct timer_node *node)
{
	while (index > 0) {
		size_t parent = (index - 1) / 2;

		if (!is_before(node, heap->nodes[parent]))
			break;
		put(heap, index, heap->nodes[parent]);
		index = parent;
	}
	put(heap, index, node);
}

static void sift_down(struct timer_heap *heap, size_t index, struct timer_node *node)
{
	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count && is_before(heap->nodes[child + 1], heap->nodes[child]))
			child++;
		if (!is_before(heap->nodes[child], node))
			break;
		put(heap, index, heap->nodes[child]);
		index = child;
	}
	put(heap, index, node);
}

void timer_heap_add(struct timer_heap *heap, struct timer_node *node, reeve_nsec deadline)
{
	node->deadline = deadline;
	node->started = heap->starts++;
	sift_up(heap, heap->count++, node);
}

void timer_heap_remove(struct timer_heap *heap, struct timer_node *node)
{
	size_t index = node->place - 1;
	struct timer_node *last;

	if (!node->place)
		return;
	node->place = 0;
	last = heap->nodes[--heap->count];
	if (last == node)
		return;
	if (index > 0 && is_before(last, heap->nodes[(index - 1) / 2]))
		sift_up(heap, index, last);
	else
		sift_down(heap, index, last);
}
