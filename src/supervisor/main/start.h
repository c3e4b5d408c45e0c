/* From a configuration that was read to a process that is ready to be the keeper: what supervisord does between
 * the two, in its order, but that nothing of another daemon is touched before it is sure that there is none. */
#ifndef MAIN_START_H
#define MAIN_START_H

#include <sys/resource.h>

#include "config/config.h"
#include "reeve/daemon.h"

/* What went wrong, for a person. */
struct start_error {
	char text[512];
};

/* Become the user of [supervisord], if there is one. Notes what is to be logged in the report. */
int start_set_user(const struct config *config, struct report *report, struct start_error *error);

/* Raise what limits descriptors and processes as minfds and minprocs want it, and our own soft limit as far as it
 * goes; *ret_program_files is what programs are to have. */
int start_set_limits(const struct config *config, struct report *report, struct rlimit *ret_program_files,
	struct start_error *error);

/* Lock the pid file. -EBUSY: another one runs. Where it can't be had otherwise, *ret is NULL: that is no reason
 * not to start. */
int start_lock_pid_file(
	const struct config *config, struct reeve_pid_file **ret, struct start_error *error);

/* Say in the log what the configuration asks for and this version does not do yet. */
void start_tell_what_is_missing(const struct config *config);

/* Remove the AUTO logs that the last daemon of this identifier left. */
void start_remove_auto_logs(const struct config *config);

#endif
