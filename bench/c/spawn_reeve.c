/* libreeve: reeve_process_spawn and reeve_process_wait, with the defaults of an all-zero description. */
#include "spawn.h"

#include <reeve/process.h>

static const char *version(void)
{
    return reeve_version();
}

static int run(char **argv)
{
    struct reeve_process_spec spec = { .argv = (const char *const *)argv };
    struct reeve_process_outcome outcome;
    struct reeve_process *process;

    if (reeve_process_spawn(&spec, NULL, &process) < 0)
        return -1;
    if (reeve_process_wait(process, REEVE_FOREVER, &outcome) < 0)
        return -1;
    reeve_process_free(process);
    return outcome.how == REEVE_PROCESS_EXITED ? outcome.status : -1;
}

const struct spawn_backend spawn_backend = { "libreeve", version, run };
