/* Deferred calls: a queue that is run once, after the descriptors and timers of a round. */
#include <errno.h>

#include "lib/loop/source.h"

/* A floating source is released after its call, unless the callback freed it or scheduled it again. */
static void deferred_call(struct reeve_loop_source *source)
{
	struct reeve_loop_source *still_there = source;

	if (!source->deferred.floating) {
		source->deferred.callback(source, source->data);
		return;
	}
	source->deferred.in_call = &still_there;
	source->deferred.callback(source, source->data);
	if (!still_there)
		return;
	source->deferred.in_call = NULL;
	if (list_empty(&source->queued))
		reeve_loop_source_free(source);
}

static void deferred_detach(struct reeve_loop_source *source, bool live)
{
	if (source->deferred.in_call)
		*source->deferred.in_call = NULL;
	list_remove(&source->queued);
	if (live)
		embed_update(source->loop);
}

static const struct source_kind deferred_kind = {
	.call = deferred_call,
	.detach = deferred_detach,
};

int reeve_loop_defer(struct reeve_loop *loop, reeve_loop_deferred_callback *callback, void *data,
	struct reeve_loop_source **ret)
{
	struct reeve_loop_source *source;
	int r;

	if (!callback)
		return -EINVAL;
	r = source_new(loop, &deferred_kind, data, &source);
	if (r < 0)
		return r;
	source->deferred.callback = callback;
	source->deferred.floating = !ret;
	r = reeve_loop_deferred_schedule(source);
	if (r < 0) {
		reeve_loop_source_free(source);
		return r;
	}
	if (ret)
		*ret = source;
	return 0;
}

int reeve_loop_deferred_schedule(struct reeve_loop_source *source)
{
	int r = source_check(source, &deferred_kind);

	if (r < 0)
		return r;
	if (list_empty(&source->queued))
		list_append(&source->loop->deferred, &source->queued);
	return embed_update(source->loop);
}
