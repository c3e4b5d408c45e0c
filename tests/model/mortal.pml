/* What the models share: processes that may be killed between any two steps, and the kernel's
 * part of a futex; sweeper.pml is the other half.
 *
 * Participants are numbered 1 .. N. A killed one is `dead` until its number has been recovered;
 * then the number is somebody else's, who begins anew:
 *
 *	again:	{ ... } unless { dead[me] -> !dead[me]; goto again }
 *
 * When nothing can go on any more, a model's last process (`timeout ->`) says what must hold: a
 * sleeper whom nobody will wake is found there. */
bool dead[N + 1];
bool asleep[N + 1];
bool over[N + 1]; /* has done all that it wanted */

/* futex(2): fall asleep if the word is as expected. */
#define FUTEX_WAIT(word, value) \
	atomic { if :: word == value -> asleep[me] = true :: else fi }
