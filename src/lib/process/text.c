/* What happened, in words. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "reeve/process.h"

static const struct {
	const char *name, *text;
} stages[] = {
#define STAGE(identifier, stage_name, stage_text)                                                  \
	[REEVE_PROCESS_STAGE_##identifier] = { .name = stage_name, .text = stage_text },
	REEVE_PROCESS_STAGES(STAGE)
};

static bool is_stage(enum reeve_process_stage stage)
{
	return (unsigned)stage < REEVE_PROCESS_N_STAGES;
}

const char *reeve_process_stage_name(enum reeve_process_stage stage)
{
	return is_stage(stage) ? stages[stage].name : "unknown";
}

const char *reeve_process_stage_text(enum reeve_process_stage stage)
{
	return is_stage(stage) ? stages[stage].text : "do something unknown";
}

size_t reeve_process_outcome_text(
	const struct reeve_process_outcome *outcome, char *buffer, size_t size)
{
	const char *signal = reeve_signal_name(outcome->status);
	int length;

	signal = signal ? signal : "a signal";
	switch (outcome->how) {
	case REEVE_PROCESS_EXITED:
		length = snprintf(buffer, size, "exited with status %d", outcome->status);
		break;
	case REEVE_PROCESS_SIGNALLED:
		length = snprintf(buffer, size, "was killed by %s%s", signal,
			outcome->core ? " (core dumped)" : "");
		break;
	case REEVE_PROCESS_STOPPED:
		length = snprintf(buffer, size, "was stopped by %s", signal);
		break;
	case REEVE_PROCESS_CONTINUED: length = snprintf(buffer, size, "was continued"); break;
	default:
		length = snprintf(buffer, size, "ended, with a status that somebody else took");
		break;
	}
	return length < 0 ? 0 : (size_t)length;
}
