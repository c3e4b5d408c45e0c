/* Doubly linked lists whose links are members of what they link: no allocation, removal in O(1) without knowing
 * the list. A head is a `struct list` too; a link that is in no list points at itself, so removing it twice is
 * harmless. */
#ifndef LIB_BASE_LIST_H
#define LIB_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *previous;
};

#define LIST_ENTRY(link, type, member) ((type *)((char *)(link) - offsetof(type, member)))

static inline void list_init(struct list *link)
{
	link->next = link;
	link->previous = link;
}

/* Of a head: no entries. Of a link: in no list. */
static inline bool list_empty(const struct list *link)
{
	return link->next == link;
}

static inline void list_remove(struct list *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	list_init(link);
}

/* `link` must be in no list. */
static inline void list_append(struct list *head, struct list *link)
{
	link->previous = head->previous;
	link->next = head;
	head->previous->next = link;
	head->previous = link;
}

/* The first link, taken off the list; NULL where there is none. */
static inline struct list *list_pop(struct list *head)
{
	struct list *first = head->next;

	if (first == head)
		return NULL;
	list_remove(first);
	return first;
}

/* Move all entries of `from` to the end of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->previous = to->previous;
	to->previous->next = from->next;
	from->previous->next = to;
	to->previous = from->previous;
	list_init(from);
}

#endif
