/* What the models share: processes that may be killed anywhere; sweeper.pml is the other half.
 *
 * Participants are numbered 1 .. N. Others cannot tell where between two of its writes a process
 * was killed: so it is after a write that each OR_DIES, KILLS in all, and goes to its
 *
 *	dies:	DEAD; goto again
 *
 * where it stays until its number has been recovered; then the number is somebody else's, who
 * begins anew. A recovery is killed, once at most, by beginning it again after any of its writes:
 * OR_AGAIN.
 *
 * When nothing can go on any more, a model's last process (`timeout ->`) says what must hold: a
 * sleeper whom nobody will wake is found there. */
#ifndef KILLS
#define KILLS 1
#endif

bool dead[N + 1];
bool over[N + 1]; /* has done all that it wanted */
byte kills;
bool sweeper_died;

#define OR_DIES if :: skip :: kills < KILLS -> kills++; goto dies fi
#define OR_AGAIN if :: skip :: !sweeper_died -> sweeper_died = true; goto again fi
#define DEAD dead[me] = true; !dead[me]
