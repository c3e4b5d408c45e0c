/* What a gateway that somebody has taken over can still do: little. */
#ifndef GATEWAY_SANDBOX_H
#define GATEWAY_SANDBOX_H

/* Give up all rights, paths and system calls but those that answering clients needs; for good. Nobody can look into
 * this process any more either, but root. Called once, when all is open.
 *
 * Returns 0, or a negative errno: some of it may be in force then. */
int sandbox_enter(void);

#endif
