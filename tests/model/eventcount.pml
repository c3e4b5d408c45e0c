/* src/lib/arena/eventcount.h: nobody sleeps on while there is something for him, although givers,
 * takers and the sweeper are killed at any step.
 *
 * Two takers (1 and 2) sleep until there is an item, or give up waiting; two givers (3 and 4) bring
 * one each. What must hold when all is at rest: if an item is left, nobody sleeps.
 *
 * The number above the bit is told apart from what each remembers of it by whether it was counted
 * on since. */
#define N 4
#include "mortal.pml"

bool sleepers;          /* the bit */
bool counted_on[N + 1]; /* since this one remembered the number; 0: the sweeper */
byte items;
bool asleep[N + 1];

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

/* `or_dies`: of who notifies, OR_DIES or OR_AGAIN. */
#define EVENTCOUNT_WAKE(me, count, was, woken, or_dies)                                            \
	atomic { count_on(me); was = sleepers; CLEAR_AT_ONCE; or_dies };                           \
	atomic { wake(count, woken); woken = (woken < count); or_dies };                           \
	atomic {                                                                                   \
		if                                                                                 \
		:: woken && UNCHANGED(me, was) -> sleepers = false                                 \
		:: else                                                                            \
		fi;                                                                                \
		woken = 0;                                                                         \
		was = 0;                                                                           \
		counted_on[me] = false;                                                            \
		or_dies                                                                            \
	}

#ifdef BUG_CLEARED_BEFORE_WAKING
#define CLEAR_AT_ONCE sleepers = false
#else
#define CLEAR_AT_ONCE skip
#endif

#ifdef BUG_CLEARED_WHOEVER_PREPARED
#define UNCHANGED(me, was) true
#else
#define UNCHANGED(me, was) (!counted_on[me] && sleepers == was)
#endif

#define FOREVER 0
#define UNTIL_LATE 1
#define UNTIL_KILLED 2

proctype taker(byte me)
{
	byte patience;
again:
	do
	:: atomic { items > 0 -> items--; break }
	:: atomic { items == 0 -> prepare(me); OR_DIES };
		if
		:: atomic { items > 0 -> items--; break }
		:: atomic {
				items == 0 ->
				if
				:: !counted_on[me] && sleepers -> asleep[me] = true
				:: else
				fi;
				if
				:: true -> patience = FOREVER
				:: me == 1 -> patience = UNTIL_LATE
				:: kills < KILLS -> patience = UNTIL_KILLED
				fi
			}
		fi;
		if
		:: atomic { !asleep[me] -> patience = FOREVER; OR_DIES }
		:: atomic { asleep[me] && patience == UNTIL_LATE -> asleep[me] = false; break }
		:: atomic {
				asleep[me] && patience == UNTIL_KILLED && kills < KILLS ->
				kills++;
				asleep[me] = false;
				patience = FOREVER;
				goto dies
			}
		fi
	od;
	over[me] = true;
	goto end;
dies:
	DEAD;
	goto again;
end:
}

proctype giver(byte me)
{
	bool was;
	byte woken;

#ifdef BUG_LOOKED_BEFORE_THE_CHANGE
	was = sleepers;
	atomic { items++; if :: !was -> goto end :: else -> was = false fi };
#else
	atomic { items++; OR_DIES };
	atomic { if :: !sleepers -> goto end :: else fi };
#endif
	EVENTCOUNT_WAKE(me, 1, was, woken, OR_DIES);
	goto end;
dies:
	DEAD;
end:
}

#ifdef BUG_RECOVERY_WAKES_NOBODY
#define recover(who) skip
#else
bool its_was;
byte its_woken;
#define recover(who) EVENTCOUNT_WAKE(0, N, its_was, its_woken, OR_AGAIN)
#endif

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
