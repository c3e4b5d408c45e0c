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
