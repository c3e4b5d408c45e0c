#include "gateway/jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/description.h"
#include "gateway/refusal.h"
#include "gateway/words.h"

struct item {
	struct job *job;
	struct request *request; /* NULL: none is under way */
	char group[BOARD_NAME_SIZE], name[BOARD_NAME_SIZE];
	int fault;
	char text[REPLY_TEXT_SIZE];
};

struct job {
	struct gateway *gateway;
	job_callback *callback;
	void *data;
	struct reeve_loop_source *next_phase; /* what follows when all have answered, from the loop */
	enum job_kind kind;
	bool wait, stopping; /* the first half of a restart */
	int signal;
	size_t count, left;
	struct item items[];
};

static const struct {
	const char *verb, *word;
	enum request_kind request;
} kinds[] = {
	[JOB_START] = { "start", "started", REQUEST_START },
	[JOB_STOP] = { "stop", "stopped", REQUEST_STOP },
	[JOB_RESTART] = { "restart", "restarted", REQUEST_START },
	[JOB_CLEAR] = { "clear", "cleared", REQUEST_CLEAR_LOGS },
	[JOB_SIGNAL] = { "signal", "signalled", REQUEST_SIGNAL },
};

const char *job_word(enum job_kind kind)
{
	return kinds[kind].word;
}

int job_kind_of(const char *verb)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(verb, kinds[i].verb) == 0)
			return (int)i;
	return -EINVAL;
}

static void one_is_done(struct job *job)
{
	if (--job->left == 0)
		reeve_loop_deferred_schedule(job->next_phase);
}

static void answered(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	struct item *item = data;

	item->request = NULL;
	item->fault = reply->fault;
	snprintf(item->text, sizeof item->text, "%s", reply->text);
	one_is_done(item->job);
}

static void ask(struct item *item, enum request_kind kind, bool wait)
{
	struct message_request request = {
		.kind = kind,
		.wait = wait,
		.value = kind == REQUEST_SIGNAL ? item->job->signal : 0,
	};
	int r;

	snprintf(request.group, sizeof request.group, "%s", item->group);
	snprintf(request.name, sizeof request.name, "%s", item->name);
	r = request_send(item->job->gateway, &request, NULL, 0, answered, item, &item->request);
	if (r < 0) {
		item->fault = FAULT_FAILED;
		snprintf(item->text, sizeof item->text, "%s",
			r == -EBUSY ? "too many requests wait for an answer" : "out of memory");
		one_is_done(item->job);
	}
}

static void ask_all(struct job *job)
{
	enum request_kind kind = job->stopping ? REQUEST_STOP : kinds[job->kind].request;

	/* One more than there are, so that it is not done before the last one is asked. */
	job->left = job->count + 1;
	for (size_t i = 0; i < job->count; i++)
		ask(&job->items[i], kind, job->stopping || job->wait);
	one_is_done(job);
}

static void all_have_answered(struct reeve_loop_source *source, void *data)
{
	struct job *job = data;

	if (job->left > 0)
		return; /* it was scheduled when it was made */
	if (job->stopping) {
		/* What did not run, or could not be stopped, says so when it is started. */
		job->stopping = false;
		ask_all(job);
		return;
	}
	job->callback(job->data, job);
	job_cancel(job);
}

int job_start(struct gateway *gateway, const struct job_request *request, job_callback *callback, void *data,
	struct job **ret)
{
	struct job *job = calloc(1, sizeof *job + request->count * sizeof *job->items);
	int r;

	if (!job)
		return -ENOMEM;
	job->gateway = gateway;
	job->callback = callback;
	job->data = data;
	job->kind = request->kind;
	job->wait = request->wait;
	job->stopping = request->kind == JOB_RESTART;
	job->signal = request->signal;
	job->count = request->count;
	for (size_t i = 0; i < job->count; i++) {
		job->items[i].job = job;
		snprintf(job->items[i].group, sizeof job->items[i].group, "%s", request->rows[i]->group);
		snprintf(job->items[i].name, sizeof job->items[i].name, "%s", request->rows[i]->name);
	}
	r = reeve_loop_defer(gateway->loop, all_have_answered, job, &job->next_phase);
	if (r < 0) {
		free(job);
		return r;
	}
	ask_all(job);
	*ret = job;
	return 0;
}

struct job *job_cancel(struct job *job)
{
	if (!job)
		return NULL;
	for (size_t i = 0; i < job->count; i++)
		if (job->items[i].request)
			request_cancel(job->items[i].request);
	reeve_loop_source_free(job->next_phase);
	free(job);
	return NULL;
}

size_t job_count(const struct job *job)
{
	return job->count;
}

struct job_result job_result(const struct job *job, size_t index)
{
	const struct item *item = &job->items[index];

	return (struct job_result){ item->group, item->name, item->fault, item->text };
}

json_t *job_json(const struct job *job)
{
	json_t *results = json_array();

	for (size_t i = 0; i < job->count; i++) {
		const struct item *item = &job->items[i];
		const char *status = fault_name(item->fault);
		char id[DESCRIPTION_ID_SIZE];

		if (strcmp(item->group, item->name) == 0)
			snprintf(id, sizeof id, "%s", item->name);
		else
			snprintf(id, sizeof id, "%s:%s", item->group, item->name);
		json_array_append_new(results, json_pack("{so so so ss si so}", "id", words_json(id), "name",
			words_json(item->name), "group", words_json(item->group), "status",
			status ? status : "FAILED", "fault", item->fault, "message",
			item->fault == FAULT_SUCCESS ?
				words_json(job_word(job->kind)) :
				refusal_json(item->fault, item->text)));
	}
	return results;
}
