#include "lib/loop/source.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/fork.h"
#include "lib/base/sys.h"

bool loop_is_ours(const struct reeve_loop *loop)
{
	return loop->generation == fork_generation();
}

int source_new(struct reeve_loop *loop, const struct source_kind *kind, void *data,
	struct reeve_loop_source **ret)
{
	struct reeve_loop_source *source;

	if (!loop_is_ours(loop))
		return -ECHILD;
	source = sys_calloc(1, sizeof *source);
	if (!source)
		return -ENOMEM;
	source->loop = loop;
	source->kind = kind;
	source->data = data;
	list_init(&source->queued);
	list_init(&source->in_loop);
	list_append(&loop->sources, &source->in_loop);
	*ret = source;
	return 0;
}

int source_check(const struct reeve_loop_source *source, const struct source_kind *kind)
{
	if (source->kind != kind)
		return -EINVAL;
	return loop_is_ours(source->loop) ? 0 : -ECHILD;
}

void source_free(struct reeve_loop_source *source, bool live)
{
	source->kind->detach(source, live);
	list_remove(&source->queued);
	list_remove(&source->in_loop);
	free(source);
}

struct reeve_loop_source *reeve_loop_source_free(struct reeve_loop_source *source)
{
	if (source)
		source_free(source, loop_is_ours(source->loop));
	return NULL;
}

struct reeve_loop *reeve_loop_source_loop(const struct reeve_loop_source *source)
{
	return source->loop;
}
