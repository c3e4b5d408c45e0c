#include "core/core.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "board/log.h"
#include "core/events.h"
#include "core/state.h"
#include "reeve/error.h"

/* The keeper does not try a core again that ends with this. */
#define EXIT_CORE_FAILED 1

enum mood core_mood(const struct core *core)
{
	return (enum mood)atomic_load(&core->board->header->mood);
}

static void progress(struct reeve_loop_source *source, void *data)
{
	struct core *core = data;

	if (core->exit_seen > core->exit_told) {
		struct message_exit_seen seen = {
			.type = MESSAGE_EXIT_SEEN,
			.number = core->exit_seen,
		};

		if (mail_to_keeper(core, &seen, NULL, 0) == 0)
			core->exit_told = core->exit_seen;
	}
	shutdown_progress(core);
}

void core_schedule_progress(struct core *core)
{
	reeve_loop_deferred_schedule(core->progress);
}

/* It has nothing to say that matters; when it has gone, the keeper starts another one and tells. */
static bool scribe_said(void *data, const union message *message, int fd_consume)
{
	if (fd_consume >= 0)
		close(fd_consume);
	events_feed(data);
	return !message || message->type == MESSAGE_LOG_FINISHED || message->type == MESSAGE_LOG_FED;
}

static int make_loop(struct core *core)
{
	int r;

	r = reeve_loop_new(&core->loop);
	if (r < 0)
		return r;
	outbox_init(&core->scribe, core->loop, "scribe", scribe_said, core);
	r = control_init(core);
	if (r < 0)
		return r;
	if (core->start->peers[ROLE_GATEWAY] >= 0)
		control_connect_take(core, core->start->peers[ROLE_GATEWAY]);
	r = reeve_loop_defer(core->loop, progress, core, &core->progress);
	if (r < 0)
		return r;
	r = reeve_loop_add_fd(core->loop, core->start->keeper, REEVE_LOOP_READABLE, core_mail_ready, core,
		&core->keeper_source);
	if (r < 0)
		return r;
	return outbox_connect_take(&core->scribe, core->start->peers[ROLE_SCRIBE]);
}

/* The last exit that a predecessor entered. */
static uint64_t last_exit_on_board(const struct core *core)
{
	uint32_t rows = atomic_load(&core->board->header->rows);
	uint64_t last = core->start->memory->exits_first - 1;

	for (uint32_t row = 0; row < rows; row++)
		if (board_peek(core->board, row)->exit_number > last)
			last = board_peek(core->board, row)->exit_number;
	return last;
}

static void resume_all(struct core *core)
{
	for (size_t g = 0; g < core->group_count; g++)
		for (size_t p = 0; p < core->groups[g]->process_count; p++)
			process_resume(&core->groups[g]->processes[p]);
	if (core_mood(core) < MOOD_RUNNING)
		shutdown_begin(core, core_mood(core));
}

static int begin(struct core *core, struct config *config_consume)
{
	struct message_plain ready = { .type = MESSAGE_READY };
	int r;

	if (core->start->again)
		board_repair(core->board);
	r = readings_begin_consume(core, config_consume);
	if (r == 0)
		r = make_loop(core);
	if (r == 0)
		r = shelf_make(core);
	if (r == 0)
		r = groups_make(core);
	if (r == 0)
		r = events_begin(core, core->start->settings->events, core->start->settings->feed);
	if (r < 0)
		return r;
	logs_open_all(core);
	if (core->start->again) {
		readings_forget_unused(core);
		core->exit_seen = core->exit_told = last_exit_on_board(core);
		resume_all(core);
	}
	r = mail_to_keeper(core, &ready, NULL, 0);
	events_running(core);
	if (r == 0 && core_mood(core) == MOOD_RUNNING)
		groups_autostart(core);
	return r;
}

static void end(struct core *core)
{
	events_end(core);
	groups_free(core);
	shelf_free(core);
	account_free_all(core);
	outbox_deinit(&core->scribe);
	control_deinit(core);
	reeve_loop_free(core->loop);
	readings_free(core);
}

/* What there is to be done, and what there is to say of it after. */
static int run(struct core *core)
{
	int r;

	do {
		spawn_finish_all(core);
		log_flush();
		r = reeve_loop_run_once(core->loop, REEVE_FOREVER);
	} while ((r >= 0 || r == -EINTR) && !core->finished && !core->orphaned);
	spawn_finish_all(core);
	log_flush();
	return r < 0 ? r : 0;
}

int core_run(const struct role_start *start, struct config *config_take)
{
	struct core core = { .start = start, .board = start->board };
	int r;

	log_to(start->log_write, start->settings->log_level);
	log_hold();
	r = begin(&core, config_take);
	if (r < 0)
		log_line(LOG_CRITICAL, "the core cannot begin: %s", reeve_error_text(r));
	else
		r = run(&core);
	if (core.orphaned)
		groups_hand_over(&core, start->memory);
	end(&core);
	log_flush();
	if (core.orphaned)
		return ROLE_ORPHANED;
	return r == 0 && core.finished ? 0 : EXIT_CORE_FAILED;
}
