/* The observer's side: what silence means.
 *
 * Silence is added up look by look, and each look adds no more than half the limit: then neither
 * an observer that was stopped nor a machine that was suspended makes it long. From it is taken
 * what the worker could do nothing about: time stopped, and time in which it waited for a
 * processor. The kernel adds the latter to its account only when the wait is over, so that of
 * one that is runnable now only the time it really ran is held against it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/sys.h"
#include "lib/arena/arena.h"
#include "lib/arena/proc_stat.h"
#include "reeve/heartbeat.h"

/* What was seen of one participant. */
struct sight {
	bool known;
	bool stopped; /* at the last look */
	uint32_t epoch;
	uint64_t beats;
	reeve_nsec looked;      /* when */
	reeve_nsec beaten;      /* when the last change was noticed */
	reeve_nsec counted;     /* silence that is held against it */
	reeve_nsec ran, waited; /* its accounts at the last look; -1: none */
};

struct reeve_heartbeat_watch {
	struct reeve_arena *arena;
	reeve_nsec limit;
	struct sight sights[];
};

int reeve_heartbeat_watch_new(
	struct reeve_arena *arena, reeve_nsec limit, struct reeve_heartbeat_watch **ret)
{
	struct reeve_heartbeat_watch *watch;

	if (!arena || !ret)
		return -EFAULT;
	if (limit <= 0)
		return -EINVAL;
	watch = sys_calloc(1, sizeof *watch + arena->participants * sizeof *watch->sights);
	if (!watch)
		return -ENOMEM;
	watch->arena = arena;
	watch->limit = limit;
	*ret = watch;
	return 0;
}

struct reeve_heartbeat_watch *reeve_heartbeat_watch_free(struct reeve_heartbeat_watch *watch)
{
	free(watch);
	return NULL;
}

static bool is_stopped(char state)
{
	return state == 'T' || state == 't';
}

/* How much of `passed` the worker had for itself. */
static reeve_nsec opportunity(
	const struct sight *sight, const struct proc_stat *stat, reeve_nsec passed)
{
	reeve_nsec had = passed;

	if (is_stopped(stat->state) || sight->stopped)
		return 0;
	if (stat->ran < 0 || sight->ran < 0)
		return passed;
	if (stat->state == 'R')
		had = stat->ran - sight->ran;
	else
		had = passed - (stat->waited - sight->waited);
	return had < 0 ? 0 : had < passed ? had : passed;
}

static void note(struct sight *sight, const struct proc_stat *stat, reeve_nsec now)
{
	sight->looked = now;
	sight->stopped = is_stopped(stat->state);
	sight->ran = stat->ran;
	sight->waited = stat->waited;
}

static void note_beat(struct sight *sight, uint32_t epoch, uint64_t beats, reeve_nsec now)
{
	sight->known = true;
	sight->epoch = epoch;
	sight->beats = beats;
	sight->beaten = now;
	sight->counted = 0;
}

static enum reeve_heartbeat_verdict judge(struct reeve_heartbeat_watch *watch, struct sight *sight,
	const struct proc_stat *stat, reeve_nsec now)
{
	reeve_nsec passed = now - sight->looked;

	if (passed > watch->limit / 2)
		passed = watch->limit / 2;
	sight->counted += opportunity(sight, stat, passed);
	if (is_stopped(stat->state))
		return REEVE_HEARTBEAT_STOPPED;
	if (sight->counted > watch->limit)
		return REEVE_HEARTBEAT_HUNG;
	return now - sight->beaten > watch->limit ? REEVE_HEARTBEAT_STARVED
						  : REEVE_HEARTBEAT_BEATING;
}

static void look(struct reeve_heartbeat_watch *watch, struct sight *sight,
	const struct reeve_arena_participant *who, struct reeve_heartbeat_report *report)
{
	struct proc_stat stat = { .ran = -1 };
	reeve_nsec now = reeve_now();

	/* Not this process, but one that was given its pid, or another namespace's. */
	if (proc_stat_read(who->pid, who->tid, &stat) == 0 && who->start_time &&
		stat.start_time != who->start_time)
		stat = (struct proc_stat){ .ran = -1 };
	if (!sight->known || sight->epoch != who->epoch || sight->beats != report->beats) {
		note_beat(sight, who->epoch, report->beats, now);
		report->verdict =
			is_stopped(stat.state) ? REEVE_HEARTBEAT_STOPPED : REEVE_HEARTBEAT_BEATING;
	} else {
		report->verdict = judge(watch, sight, &stat, now);
	}
	note(sight, &stat, now);
	report->scheduler = stat.state;
	report->silence = now - sight->beaten;
	report->deprived = report->silence - sight->counted;
}

int reeve_heartbeat_check(struct reeve_heartbeat_watch *watch, unsigned participant,
	struct reeve_heartbeat_report *ret)
{
	struct reeve_heartbeat_report report = { .verdict = REEVE_HEARTBEAT_ABSENT };
	struct reeve_arena_participant who;
	struct heartbeat_line *line;
	int r;

	if (!watch || !ret)
		return -EFAULT;
	r = reeve_arena_participant(watch->arena, participant, &who);
	if (r < 0)
		return r;
	line = arena_line(watch->arena, participant);
	if (who.state != REEVE_ARENA_FREE) {
		report.pid = who.pid;
		report.beats = atomic_load(&line->beats);
		report.state = (enum reeve_heartbeat_state)(atomic_load(&line->state) & 3);
		memcpy(report.text, line->text, REEVE_HEARTBEAT_TEXT_MAX);
	}
	if (who.state == REEVE_ARENA_ALIVE)
		look(watch, &watch->sights[participant - 1], &who, &report);
	else if (who.state != REEVE_ARENA_FREE)
		report.verdict = REEVE_HEARTBEAT_DEAD;
	*ret = report;
	return 0;
}

const char *reeve_heartbeat_verdict_name(enum reeve_heartbeat_verdict verdict)
{
	static const char *const names[] = {
		[REEVE_HEARTBEAT_ABSENT] = "absent",
		[REEVE_HEARTBEAT_BEATING] = "beating",
		[REEVE_HEARTBEAT_STARVED] = "starved",
		[REEVE_HEARTBEAT_STOPPED] = "stopped",
		[REEVE_HEARTBEAT_HUNG] = "hung",
		[REEVE_HEARTBEAT_DEAD] = "dead",
	};

	return (unsigned)verdict < sizeof names / sizeof *names ? names[verdict] : "unknown";
}
