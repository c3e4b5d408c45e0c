/* TICK_5, TICK_60 and TICK_3600: told when the clock on the wall enters another period. */
#include <time.h>

#include "core/event_text.h"
#include "core/events.h"

/* That clock can be set: it is looked at as often as this, and at each period's beginning. */
#define LOOK_AGAIN (60 * REEVE_SEC)

static const struct {
	int64_t period;
	enum event_type type;
} ticks[TICKS] = {
	{ 5, EVENT_TICK_5 },
	{ 60, EVENT_TICK_60 },
	{ 3600, EVENT_TICK_3600 },
};

int64_t tick_begin(int64_t period, int64_t now)
{
	return now - now % period;
}

static void tell_tick(struct events *events, int tick, int64_t now)
{
	int64_t begin = tick_begin(ticks[tick].period, now), last = events->memory->ticks[tick];
	CLEANUP_BUFFER struct buffer payload = BUFFER(64);

	if (begin == last)
		return;
	if (last != 0 && events_wanted(events, ticks[tick].type)) {
		event_text_tick(&payload, begin);
		if (!payload.error)
			events_tell(events, ticks[tick].type, NULL, buffer_text(&payload), payload.length);
	}
	events->memory->ticks[tick] = begin;
}

static void set_timer(struct events *events, const struct timespec *now)
{
	reeve_nsec shortest = LOOK_AGAIN;

	for (int tick = 0; tick < TICKS; tick++) {
		int64_t period = ticks[tick].period;
		reeve_nsec left = (tick_begin(period, now->tv_sec) + period - now->tv_sec) * REEVE_SEC - now->tv_nsec;

		if (events_wanted(events, ticks[tick].type) && left < shortest)
			shortest = left;
	}
	reeve_loop_timer_start(events->ticker, shortest, 0);
}

static void look(struct events *events)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (int tick = 0; tick < TICKS; tick++)
		tell_tick(events, tick, now.tv_sec);
	set_timer(events, &now);
}

static void due(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	look(data);
}

void ticks_begin(struct events *events)
{
	bool wanted = false;

	for (int tick = 0; tick < TICKS; tick++)
		wanted |= events_wanted(events, ticks[tick].type);
	if (!wanted || events->ticker)
		return;
	if (reeve_loop_add_timer(events->core->loop, due, events, &events->ticker) == 0)
		look(events);
}
