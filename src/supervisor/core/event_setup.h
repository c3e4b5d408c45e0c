/* The memory of events, for those who make it and pass it on. */
#ifndef CORE_EVENT_SETUP_H
#define CORE_EVENT_SETUP_H

struct event_memory;

/* To be made once, before the first core is forked, by the process that forks them all. 0 or -ENOMEM. */
int event_memory_new(struct event_memory **ret);
struct event_memory *event_memory_free(struct event_memory *memory);

/* Begin anew (a reload): no event, no listener. Serial numbers go on. */
void event_memory_clear(struct event_memory *memory);

#endif
