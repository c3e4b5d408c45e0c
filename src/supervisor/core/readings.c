#include "core/readings.h"

#include <errno.h>
#include <unistd.h>

#include "board/log.h"
#include "config/snapshot_memory.h"
#include "core/state.h"
#include "reeve/error.h"

static int index_groups(struct reading *reading)
{
	const struct config *config = reading->config;
	int r = name_index_init(&reading->groups, config->group_count);

	for (size_t i = 0; r == 0 && i < config->group_count; i++)
		name_index_add(&reading->groups, config->groups[i].name,
			(void *)(uintptr_t)&config->groups[i]);
	return r;
}

static void reading_free(struct reading *reading)
{
	name_index_deinit(&reading->groups);
	reading->config = config_free(reading->config);
}

/* Have `config` as the reading of that number; it is ours in any case. */
static int put_consume(struct core *core, uint32_t number, struct config *config)
{
	struct reading *reading = &core->readings[number];
	int r;

	reading->config = config;
	r = index_groups(reading);
	if (r < 0)
		reading_free(reading);
	return r;
}

/* From the snapshot that the keeper has of it. */
static int load(struct core *core, uint32_t number)
{
	struct config_snapshot *snapshot;
	struct config *config;
	struct report report;
	int r;

	r = config_snapshot_load(core->start->memory->readings[number] - 1, &snapshot);
	if (r < 0)
		return r;
	report_init(&report);
	r = config_snapshot_read(snapshot, &config, &report);
	report_deinit(&report);
	config_snapshot_free(snapshot);
	return r < 0 ? r : put_consume(core, number, config);
}

int readings_begin_consume(struct core *core, struct config *config)
{
	int r = config ? put_consume(core, 0, config) : load(core, 0);

	core->config = core->readings[0].config;
	return r;
}

void readings_free(struct core *core)
{
	for (uint32_t number = 0; number < READINGS_MAX; number++)
		reading_free(&core->readings[number]);
	core->config = NULL;
}

const struct reading *reading_get(struct core *core, uint32_t number)
{
	int r = -EBADMSG;

	if (number < READINGS_MAX && core->readings[number].config)
		return &core->readings[number];
	if (number < READINGS_MAX)
		r = load(core, number);
	if (r < 0) {
		log_line(LOG_CRITICAL, "reading %u of the configuration is lost: %s", number,
			reeve_error_text(r));
		return NULL;
	}
	return &core->readings[number];
}

uint32_t reading_latest(const struct core *core)
{
	return atomic_load(&core->board->header->latest_reading);
}

static bool is_used(const struct core *core, uint32_t number)
{
	if (number == 0 || number == reading_latest(core))
		return true;
	for (size_t g = 0; g < core->group_count; g++)
		if (core->groups[g]->reading == number)
			return true;
	return false;
}

static int find_unused(const struct core *core)
{
	for (uint32_t number = 1; number < READINGS_MAX; number++)
		if (!is_used(core, number))
			return (int)number;
	return -ENOSPC;
}

/* Ours, too: this process may have to be the keeper. */
static int keep(struct core *core, uint32_t number, const struct config_snapshot *snapshot)
{
	struct message_keep message = { .type = MESSAGE_KEEP, .row = ROW_SELF, .kind = number };
	int fd = config_snapshot_memory(snapshot);
	int r;

	if (fd < 0)
		return fd;
	r = mail_to_keeper(core, &message, &fd, 1);
	if (r < 0)
		close(fd);
	else
		core->start->memory->readings[number] = fd + 1;
	return r;
}

static void forget(struct core *core, uint32_t number)
{
	struct message_forget message = { .type = MESSAGE_FORGET, .row = ROW_SELF, .kind = number };
	int32_t *held = &core->start->memory->readings[number];

	if (*held == 0)
		return;
	mail_to_keeper(core, &message, NULL, 0);
	close(*held - 1);
	*held = 0;
	/* What is still under way points into it, and so do the accounts of its users. */
	spawn_finish_all(core);
	account_free_all(core);
	reading_free(&core->readings[number]);
}

int reading_add_consume(
	struct core *core, const struct config_snapshot *snapshot, struct config *config)
{
	int number, r;

	readings_forget_unused(core);
	number = find_unused(core);
	r = number < 0 ? number : keep(core, (uint32_t)number, snapshot);
	if (r < 0) {
		config_free(config);
		return r;
	}
	r = put_consume(core, (uint32_t)number, config);
	if (r < 0) {
		forget(core, (uint32_t)number);
		return r;
	}
	atomic_store(&core->board->header->latest_reading, (uint32_t)number);
	return 0;
}

void readings_forget_unused(struct core *core)
{
	for (uint32_t number = 1; number < READINGS_MAX; number++)
		if (!is_used(core, number))
			forget(core, number);
}
