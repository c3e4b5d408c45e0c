/* The keeper: parent of the other roles and of every program.
 *
 * It reaps everything, holds every descriptor that must outlive a role, passes signals on to the core, and
 * starts a role again that was killed. It decides nothing, parses nothing, and after its start allocates
 * nothing: what it needs to remember is in one struct keeper_memory.
 *
 * A dead keeper loses nothing but the exit status of programs: they are init's children then, the core sees by
 * their pidfds when they end. The core's process becomes the keeper, and starts a new core.
 *
 * A dead core loses nothing. Exits that were reaped wait in the memory until the core says that they are on
 * the board; while no core is there nothing but roles is reaped, so that a pid on the board stays the program's
 * own until its new core has a pidfd of it. */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include "board/roles.h"
#include "reeve/base.h"

struct keeper_setup {
	struct board *board;
	role_main *mains[ROLES]; /* NULL: this role is not needed */
	int log_read, log_write;
	int snapshot; /* the configuration; the keeper's own from now on */
	struct keeper_memory *memory; /* NULL, or that of a keeper that was killed, to be gone on with; allocated */
	const struct role_settings *settings;
	void (*on_begun)(void *data); /* the roles are born, and signals are heard from here on */
	void (*on_ready)(void *data); /* the core has come up for the first time */
	void *data;
};

enum keeper_result {
	KEEPER_FINISHED, /* all programs have ended, and all roles */
	KEEPER_AGAIN,	 /* the same, and somebody wants a new beginning with the kept configuration */
};

/* Be the keeper until the end. Returns an enum keeper_result, with for KEEPER_AGAIN the new snapshot's
 * descriptor in *ret_snapshot (the caller's), or a negative errno: it could not begin; -ECHILD: the core
 * could not, and has said why in the log. */
int keeper_run(const struct keeper_setup *setup, int *ret_snapshot);

#endif
