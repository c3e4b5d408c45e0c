/* src/lib/ipc/eventcount.h: nobody sleeps on while there is something for him, although givers,
 * takers and the sweeper are killed at any step.
 *
 * Two takers (1 and 2) sleep until there is an item, or give up waiting; two givers (3 and 4) bring
 * one each. What must hold when all is at rest: if an item is
 * left, nobody sleeps.
 *
 * The number above the bit is told apart from what each remembers of it by whether it was counted
 * on since. */
#define N 4
#include "mortal.pml"

bool sleepers;          /* the bit */
bool counted_on[N + 1]; /* since this one remembered the number; 0: the sweeper */
byte items;
bool late; /* it was too late for the first taker */

#define OTHER_EVENTS \
	:: atomic { asleep[1] && !late -> late = true; asleep[1] = false }

inline count_on(me)
{
	counted_on[0] = true;
	counted_on[1] = true;
	counted_on[2] = true;
	counted_on[3] = true;
	counted_on[4] = true;
	counted_on[me] = false
}

inline prepare(me)
{
#ifdef BUG_PREPARING_DOES_NOT_COUNT
	d_step { sleepers = true; counted_on[me] = false }
#else
	d_step { count_on(me); sleepers = true }
#endif
}

/* futex(2): up to `count`, whichever. */
inline wake(count, woken)
{
	woken = 0;
	do
	:: woken < count && asleep[1] -> asleep[1] = false; woken++
	:: woken < count && asleep[2] -> asleep[2] = false; woken++
	:: else -> break
	od
}

inline eventcount_wake(me, count, was, woken)
{
#ifdef BUG_CLEARED_BEFORE_WAKING
	d_step { count_on(me); sleepers = false };
	atomic { wake(count, woken); woken = 0 }
#else
	d_step { count_on(me); was = sleepers };
	atomic { wake(count, woken); woken = (woken < count) };
	d_step {
		if
#ifdef BUG_CLEARED_WHOEVER_PREPARED
		:: woken -> sleepers = false
#else
		:: woken && !counted_on[me] && sleepers == was -> sleepers = false
#endif
		:: else
		fi;
		woken = 0;
		was = 0;
		counted_on[me] = false
	}
#endif
}

proctype taker(byte me)
{
again:
	{
		do
		:: atomic { items > 0 -> items--; break }
		:: atomic { items == 0 -> prepare(me) };
			if
			:: atomic { items > 0 -> items--; break }
			:: atomic {
				items == 0 ->
				if
				:: !counted_on[me] && sleepers -> asleep[me] = true
				:: else
				fi
			}
			fi;
			if
			:: atomic { !asleep[me] && !(late && me == 1) }
			:: atomic { !asleep[me] && late && me == 1 -> break }
			fi
		od;
		over[me] = true
	} unless { dead[me] -> !dead[me]; goto again }
}

proctype giver(byte me)
{
	bool was;
	byte woken;

	{
#ifdef BUG_LOOKED_BEFORE_THE_CHANGE
		was = sleepers;
		atomic { items++; if :: !was -> goto done :: else -> was = false fi };
#else
		items++;
		atomic { if :: !sleepers -> goto done :: else fi };
#endif
		eventcount_wake(me, 1, was, woken);
done:
		over[me] = true
	} unless { atomic { dead[me] -> was = false; woken = 0 }; !dead[me] }
}

bool sweeper_was;
byte sweeper_woken;

inline recover(who)
{
#ifndef BUG_RECOVERY_WAKES_NOBODY
	eventcount_wake(0, N, sweeper_was, sweeper_woken)
#else
	skip
#endif
}

#include "sweeper.pml"

active proctype last()
{
	timeout ->
	assert(items == 0 || !(asleep[1] || asleep[2]))
}

init
{
	atomic { run taker(1); run taker(2); run giver(3); run giver(4) }
}
