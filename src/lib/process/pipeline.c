/* Programs joined as a shell's `|` joins them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "reeve/process.h"

struct pipeline {
	const struct reeve_process_spec *specs;
	size_t count;
	struct reeve_process **processes;
	struct reeve_process_descriptor *map; /* of the program at work; room for the longest */
	int input;                            /* where it reads from; -EBADF: its own */
};

static bool maps(const struct reeve_process_spec *spec, int to)
{
	for (size_t i = 0; i < spec->descriptor_count; i++)
		if (spec->descriptors[i].to == to)
			return true;
	return false;
}

static int check(const struct pipeline *pipeline, size_t *ret_program, size_t *ret_longest)
{
	size_t longest = 0;

	if (pipeline->count == 0 || pipeline->count > REEVE_PROCESS_PIPELINE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < pipeline->count; i++) {
		const struct reeve_process_spec *spec = &pipeline->specs[i];

		*ret_program = i;
		if (spec->descriptor_count > REEVE_PROCESS_DESCRIPTORS_MAX - 2)
			return -E2BIG;
		if ((i > 0 && maps(spec, STDIN_FILENO)) ||
			(i + 1 < pipeline->count && maps(spec, STDOUT_FILENO)))
			return -EINVAL;
		if (spec->descriptor_count > longest)
			longest = spec->descriptor_count;
	}
	*ret_longest = longest;
	return 0;
}

/* The description of program `i`, with its ends of the pipes and the group of the first. */
static struct reeve_process_spec joined(struct pipeline *pipeline, size_t i, int output)
{
	const unsigned group = REEVE_PROCESS_SET_PROCESS_GROUP;
	const struct reeve_process_spec *first = &pipeline->specs[0];
	struct reeve_process_spec spec = pipeline->specs[i];
	size_t count = spec.descriptor_count;

	if (count > 0)
		memcpy(pipeline->map, spec.descriptors, count * sizeof *spec.descriptors);
	if (pipeline->input >= 0)
		pipeline->map[count++] =
			(struct reeve_process_descriptor){ pipeline->input, STDIN_FILENO };
	if (output >= 0)
		pipeline->map[count++] = (struct reeve_process_descriptor){ output, STDOUT_FILENO };
	spec.descriptors = pipeline->map;
	spec.descriptor_count = count;
	if (i > 0 && first->flags & spec.flags & group && first->process_group == 0 &&
		spec.process_group == 0)
		spec.process_group = reeve_process_pid(pipeline->processes[0]);
	return spec;
}

static int start(struct pipeline *pipeline, size_t i, struct reeve_process_failure *failure)
{
	CLEANUP_FD int read_end = -EBADF;
	CLEANUP_FD int write_end = -EBADF;
	struct reeve_process_spec spec;
	int fds[2], r;

	if (i + 1 < pipeline->count) {
		if (sys_pipe2(fds, O_CLOEXEC) < 0)
			return -errno;
		read_end = fds[0];
		write_end = fds[1];
	}
	spec = joined(pipeline, i, write_end);
	r = reeve_process_spawn(&spec, failure, &pipeline->processes[i]);
	if (r < 0)
		return r;
	close_fd(pipeline->input);
	pipeline->input = TAKE_FD(read_end);
	return 0;
}

static void undo(struct pipeline *pipeline, size_t started)
{
	for (size_t i = 0; i < started; i++)
		reeve_process_signal(pipeline->processes[i], SIGKILL);
	for (size_t i = 0; i < started; i++) {
		reeve_process_wait(pipeline->processes[i], REEVE_FOREVER, NULL);
		pipeline->processes[i] = reeve_process_free(pipeline->processes[i]);
	}
}

static int run(struct pipeline *pipeline, struct reeve_process_failure *failure)
{
	CLEANUP_FREE struct reeve_process_descriptor *map = NULL;
	size_t longest;
	int r = check(pipeline, &failure->program, &longest);

	if (r < 0)
		return r;
	failure->program = 0;
	map = pipeline->map = sys_calloc(longest + 2, sizeof *map);
	if (!map)
		return -ENOMEM;
	for (size_t i = 0; i < pipeline->count; i++) {
		r = start(pipeline, i, failure);
		if (r < 0) {
			undo(pipeline, i);
			failure->program = i;
			return r;
		}
	}
	return 0;
}

int reeve_process_pipeline(const struct reeve_process_spec *specs, size_t count,
	struct reeve_process_failure *failure, struct reeve_process **ret)
{
	struct reeve_process_failure failed = { .stage = REEVE_PROCESS_STAGE_PREPARE };
	struct pipeline pipeline = {
		.specs = specs, .count = count, .processes = ret, .input = -EBADF
	};
	int r = run(&pipeline, &failed);

	close_fd(pipeline.input);
	failed.error = r;
	if (r < 0 && failure)
		*failure = failed;
	return r;
}
