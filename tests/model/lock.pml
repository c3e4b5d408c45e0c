/* src/lib/arena/hold.[hc]: the word of a lock, with the number of who holds it and the flags DIED and
 * WAITERS.
 *
 * Three participants take it once each, and again when they are reborn; the first may give up. What
 * must hold: who has it is alone; who finds torn what it protects was told that somebody died; and
 * when all is at rest everybody has had it and it is free. */
#define N 3
#ifndef KILLS
#define KILLS 2
#endif
#include "mortal.pml"

byte owner;          /* 0: free */
bool waiters, died;  /* the word's flags; one store changes all three */
bool asleep[N + 1];
byte inside;         /* who is at what the lock protects */
bool torn;

byte woken;

inline wake(count)
{
	woken = 0;
	do
	:: woken < count && asleep[1] -> asleep[1] = false; woken++
	:: woken < count && asleep[2] -> asleep[2] = false; woken++
	:: woken < count && asleep[3] -> asleep[3] = false; woken++
	:: else -> break
	od;
	woken = 0
}


#define FOREVER 0
#define UNTIL_LATE 1
#define UNTIL_KILLED 2

proctype locker(byte me)
{
	bool slept, was, told;
	byte seen, patience;
again:
	do
	:: atomic {
			owner == 0 ->
			owner = me;
			told = died;
			died = false;
#ifdef BUG_WHO_HAS_SLEPT_FORGETS_THE_OTHERS
			waiters = false;
#else
			waiters = waiters || slept;
#endif
			slept = false;
			OR_DIES;
			break
		}
	:: atomic { owner != 0 -> seen = owner; was = waiters };
		/* hold_wait(): the flag, and then to sleep while the word is the same */
		if
		:: atomic { !was && owner == seen && !waiters -> waiters = true; was = true; OR_DIES }
		:: atomic { !was && !(owner == seen && !waiters) }
		:: was
		fi;
		atomic {
			slept = true;
			if
			:: was && owner == seen && waiters -> asleep[me] = true
			:: else
			fi;
			seen = 0;
			was = false;
			if
			:: true -> patience = FOREVER
			:: me == 1 -> patience = UNTIL_LATE
			:: kills < KILLS -> patience = UNTIL_KILLED
			fi
		};
		if
		:: atomic { !asleep[me] -> patience = FOREVER; OR_DIES }
		:: atomic {
				asleep[me] && patience == UNTIL_LATE ->
				asleep[me] = false; slept = false; patience = FOREVER;
				goto done
			}
		:: atomic {
				asleep[me] && patience == UNTIL_KILLED && kills < KILLS ->
				kills++;
				asleep[me] = false;
				goto dies
			}
		fi
	od;
	/* What it protects. */
	atomic {
		assert(!inside || told);
		assert(!torn || told);
		inside = me;
		torn = true;
		OR_DIES
	};
	atomic { assert(inside == me); inside = 0; torn = false; told = false; OR_DIES };
	/* hold_release() */
#ifdef BUG_FLAG_LOOKED_AT_BEFORE_THE_RELEASE
	was = waiters;
	atomic { owner = 0; died = false; waiters = false; OR_DIES };
#else
	atomic { was = waiters; owner = 0; died = false; waiters = false; OR_DIES };
#endif
	atomic { if :: was -> wake(1) :: else fi; was = false };
done:
	atomic { over[me] = true; goto end };
dies:
	atomic { slept = false; was = false; told = false; seen = 0; patience = 0; dead[me] = true };
	atomic { !dead[me]; goto again };
end:
}

inline recover(who)
{
	atomic {
		if
		:: owner == who ->
			owner = 0;
#ifndef BUG_NOBODY_IS_TOLD
			died = true;
#endif
			OR_AGAIN
		:: else
		fi
	};
#ifdef BUG_RECOVERY_WAKES_ONLY_FOR_THE_HOLDER
	atomic { if :: died -> wake(N) :: else fi; OR_AGAIN }
#else
	atomic { wake(N); OR_AGAIN }
#endif
}

#include "sweeper.pml"

active proctype last()
{
	timeout ->
	assert(over[1] && over[2] && over[3]);
	assert(owner == 0 && !inside)
}

init
{
	atomic { run locker(1); run locker(2); run locker(3) }
}
