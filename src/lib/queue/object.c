/* The queue as an object of an arena: made, found, believed, recovered. */
#include <errno.h>

#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/queue/queue.h"

static const struct queue_form *const forms[] = {
	[REEVE_QUEUE_STRICT] = &queue_strict,
	[REEVE_QUEUE_LANES] = &queue_lanes,
};

static const struct queue_form *queue_form(unsigned order)
{
	return order < sizeof forms / sizeof *forms ? forms[order] : NULL;
}

static void fill_in_defaults(struct reeve_queue_spec *spec)
{
	if (spec->priorities == 0)
		spec->priorities = 1;
	if (spec->producers == 0)
		spec->producers = REEVE_QUEUE_PRODUCERS_DEFAULT;
}

/* Limits, and the form of such a queue. */
static int check_spec(const struct reeve_queue_spec *spec, const struct queue_form **ret_form)
{
	const struct queue_form *form = queue_form(spec->order);

	if (spec->capacity == 0 || spec->message_max == 0 || !form ||
		(unsigned)spec->on_death > REEVE_QUEUE_REDELIVER)
		return -EINVAL;
	if (spec->capacity > REEVE_QUEUE_CAPACITY_MAX ||
		spec->message_max > REEVE_QUEUE_MESSAGE_MAX ||
		spec->priorities > REEVE_QUEUE_PRIORITIES_MAX ||
		spec->producers > REEVE_QUEUE_PRODUCERS_MAX)
		return -EOVERFLOW;
	*ret_form = form;
	return form->check(spec);
}

static uint64_t bytes_of(const struct queue_form *form, const struct reeve_queue_spec *spec)
{
	return sizeof(struct queue_header) + form->bytes(spec);
}

int reeve_queue_bytes(const struct reeve_queue_spec *spec, size_t *ret)
{
	const struct queue_form *form;
	struct reeve_queue_spec full;
	int r;

	if (!spec || !ret)
		return -EFAULT;
	full = *spec;
	fill_in_defaults(&full);
	r = check_spec(&full, &form);
	if (r == 0)
		*ret = (size_t)bytes_of(form, &full);
	return r;
}

/* Read what shared memory says, once, and believe it if it fits in what there is. */
static int find_object(struct reeve_arena *arena, void *memory, uint64_t size,
	struct queue_object *ret, const struct queue_form **ret_form)
{
	struct queue_header *header = memory;
	const volatile struct queue_header *shared = header;
	struct reeve_queue_spec spec;

	if (size < sizeof *header)
		return -EUCLEAN;
	spec = (struct reeve_queue_spec){
		.capacity = shared->capacity,
		.message_max = shared->message_max,
		.order = (enum reeve_queue_order)shared->order,
		.on_death = (enum reeve_queue_on_death)shared->on_death,
		.priorities = shared->priorities,
		.joinable = shared->joinable != 0,
		.producers = shared->producers,
	};
	if (spec.priorities == 0 || spec.producers == 0 || check_spec(&spec, ret_form) < 0 ||
		bytes_of(*ret_form, &spec) > size)
		return -EUCLEAN;
	*ret = (struct queue_object){
		.arena = arena,
		.header = header,
		.memory = (unsigned char *)memory + sizeof *header,
		.spec = spec,
	};
	return 0;
}

static int new_handle(const struct queue_object *object, const struct queue_form *form,
	struct reeve_queue **ret)
{
	struct reeve_queue *queue = sys_calloc(1, sizeof *queue);
	int r;

	if (!queue)
		return -ENOMEM;
	queue->object = *object;
	queue->form = form;
	queue->spins = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	r = form->open(object, &queue->state);
	if (r < 0) {
		free(queue);
		return r;
	}
	*ret = queue;
	return 0;
}

struct making {
	const struct reeve_queue_spec *spec;
	struct reeve_queue *queue;
};

/* With its handle, so that there is no queue where there is no memory for that. */
static int make(struct reeve_arena *arena, const struct arena_object *at, void *data)
{
	struct making *making = data;
	const struct reeve_queue_spec *spec = making->spec;
	struct queue_header *header = at->memory;
	const struct queue_form *form;
	struct queue_object object;
	int r;

	header->capacity = spec->capacity;
	header->message_max = spec->message_max;
	header->order = spec->order;
	header->on_death = spec->on_death;
	header->priorities = spec->priorities;
	header->joinable = spec->joinable;
	header->producers = spec->producers;
	r = find_object(arena, at->memory, at->size, &object, &form);
	if (r < 0)
		return r;
	form->init(&object);
	return new_handle(&object, form, &making->queue);
}

int reeve_queue_new(struct reeve_arena *arena, const char *name,
	const struct reeve_queue_spec *spec, reeve_nsec timeout, struct reeve_queue **ret)
{
	const struct queue_form *form;
	struct reeve_queue_spec full;
	struct making making = { .spec = &full };
	struct arena_object object;
	reeve_nsec deadline;
	int r;

	if (!arena || !spec || !ret)
		return -EFAULT;
	full = *spec;
	fill_in_defaults(&full);
	r = check_spec(&full, &form);
	if (r == 0)
		r = deadline_from(timeout, &deadline);
	if (r == 0)
		r = arena_object_new(arena, ARENA_TYPE_QUEUE, name, bytes_of(form, &full), make,
			&making, deadline, &object);
	if (r == 0)
		*ret = making.queue;
	return r;
}

int reeve_queue_open(struct reeve_arena *arena, const char *name, struct reeve_queue **ret)
{
	const struct queue_form *form;
	struct arena_object at;
	struct queue_object object;
	int r;

	if (!arena || !ret)
		return -EFAULT;
	r = arena_object_find(arena, ARENA_TYPE_QUEUE, name, &at);
	if (r == 0)
		r = find_object(arena, at.memory, at.size, &object, &form);
	return r < 0 ? r : new_handle(&object, form, ret);
}

struct reeve_queue *reeve_queue_free(struct reeve_queue *queue)
{
	if (queue) {
		queue_watch_free(queue);
		queue->form->free(queue->state);
		free(queue);
	}
	return NULL;
}

int reeve_queue_remove(struct reeve_arena *arena, const char *name, reeve_nsec timeout)
{
	reeve_nsec deadline;
	int r;

	if (!arena)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	return r < 0 ? r : arena_object_remove(arena, ARENA_TYPE_QUEUE, name, deadline);
}

/* Whoever waits for the dead, or was to be woken by it, looks again. */
static int recover(
	struct reeve_arena *arena, void *memory, uint64_t size, unsigned participant)
{
	const struct queue_form *form;
	struct queue_object object;
	int r = find_object(arena, memory, size, &object, &form);

	if (r < 0)
		return r;
	r = form->recover(&object, participant);
	queue_wake_all(object.header);
	return r;
}

const struct arena_type queue_type = { .number = ARENA_TYPE_QUEUE, .recover = recover };
