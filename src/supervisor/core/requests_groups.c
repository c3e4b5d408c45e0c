/* Requests that read the configuration again, and bring groups to what it says. Nothing of what runs changes until a
 * group is removed and added. */
#include "core/requests.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config/snapshot.h"
#include "core/data.h"
#include "core/readings.h"
#include "core/reload.h"
#include "reeve/error.h"
#include "text/buffer.h"

/* ---- what is different ---- */

static void add_name(struct buffer *buffer, char mark, const char *name)
{
	buffer_add_char(buffer, mark);
	buffer_add(buffer, name, strlen(name) + 1);
}

/* Of groups of one name the first counts. */
static void compare(const struct core *core, const struct reading *reading, struct buffer *buffer)
{
	const struct config *config = reading->config;

	for (size_t i = 0; i < config->group_count; i++) {
		const struct config_group *settings = &config->groups[i];
		const struct group *group = group_by_name(core, settings->name);

		if (name_index_find(&reading->groups, settings->name) != settings)
			continue;
		if (!group)
			add_name(buffer, '+', settings->name);
		else if (!config_group_equal(group->settings, settings))
			add_name(buffer, '~', settings->name);
	}
	for (size_t g = 0; g < core->group_count; g++)
		if (!name_index_find(&reading->groups, core->groups[g]->settings->name))
			add_name(buffer, '-', core->groups[g]->settings->name);
}

static int answer_with_difference(struct request *request)
{
	struct core *core = request->core;
	struct buffer buffer = BUFFER(REQUEST_DATA_MAX);
	int r;

	compare(core, &core->readings[reading_latest(core)], &buffer);
	r = buffer.error ? buffer.error : data_make(buffer_text(&buffer), buffer.length);
	buffer_deinit(&buffer);
	if (r < 0)
		return request_refuse(request, FAULT_FAILED, "%s", reeve_error_text(r));
	request->reply_data = r;
	return FAULT_SUCCESS;
}

/* ---- the requests ---- */

/* 0, or a negative errno with the reason in the request's text. */
static int read_again(struct request *request)
{
	struct core *core = request->core;
	struct config_snapshot *snapshot = NULL;
	struct config *config = NULL;
	struct report report;
	int r;

	report_init(&report);
	r = config_snapshot_take(core->start->settings->request, &snapshot, &config, &report);
	if (r == -EINVAL)
		reload_explain(&report, request->text, sizeof request->text);
	else if (r == 0)
		r = reading_add_consume(core, snapshot, config);
	else
		config_free(config);
	if (r == -ENOSPC)
		request_refuse(request, 0,
			"groups live by %d older readings of the configuration; update or remove some first",
			READINGS_MAX - 1);
	else if (r < 0 && r != -EINVAL)
		request_refuse(request, 0, "%s", reeve_error_text(r));
	config_snapshot_free(snapshot);
	report_deinit(&report);
	return r;
}

int request_reread(struct request *request)
{
	struct core *core = request->core;

	if (read_again(request) < 0)
		return FAULT_CANT_REREAD;
	groups_move(core, reading_latest(core));
	readings_forget_unused(core);
	return answer_with_difference(request);
}

int request_add_group(struct request *request)
{
	struct core *core = request->core;
	const char *name = request->message->group;
	uint32_t number = reading_latest(core);
	const struct reading *reading = reading_get(core, number);
	const struct config_group *settings = reading ? name_index_find(&reading->groups, name) : NULL;
	int r;

	if (!settings)
		return request_refuse(request, FAULT_BAD_NAME, "%s", name);
	if (group_by_name(core, name))
		return request->message->again
			       ? FAULT_SUCCESS
			       : request_refuse(request, FAULT_ALREADY_ADDED, "%s", name);
	r = group_add(core, settings, number);
	if (r < 0)
		return request_refuse(request, FAULT_FAILED, "%s", reeve_error_text(r));
	return FAULT_SUCCESS;
}

int request_remove_group(struct request *request)
{
	const char *name = request->message->group;
	struct group *group = group_by_name(request->core, name);

	if (!group)
		return request->message->again ? FAULT_SUCCESS
					       : request_refuse(request, FAULT_BAD_NAME, "%s", name);
	for (size_t p = 0; p < group->process_count; p++)
		if (!process_state_is_stopped(process_state(&group->processes[p])))
			return request_refuse(request, FAULT_STILL_RUNNING, "%s", name);
	group_remove(group);
	return FAULT_SUCCESS;
}
