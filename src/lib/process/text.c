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

static int write_signal(char *buffer, size_t size, const char *before, int signo, const char *after)
{
	const char *name = sigabbrev_np(signo);

	if (name)
		return snprintf(buffer, size, "%s SIG%s%s", before, name, after);
	return snprintf(buffer, size, "%s signal %d%s", before, signo, after);
}

size_t reeve_process_outcome_text(
	const struct reeve_process_outcome *outcome, char *buffer, size_t size)
{
	int length = 0;

	switch (outcome->how) {
	case REEVE_PROCESS_EXITED:
		length = snprintf(buffer, size, "exited with status %d", outcome->status);
		break;
	case REEVE_PROCESS_SIGNALLED:
		length = write_signal(buffer, size, "was killed by", outcome->status,
			outcome->core ? " (core dumped)" : "");
		break;
	case REEVE_PROCESS_STOPPED:
		length = write_signal(buffer, size, "was stopped by", outcome->status, "");
		break;
	case REEVE_PROCESS_CONTINUED:
		length = snprintf(buffer, size, "was continued");
		break;
	case REEVE_PROCESS_UNKNOWN:
		length = snprintf(buffer, size, "ended, with a status that somebody else took");
		break;
	}
	return length > 0 ? (size_t)length : 0;
}
