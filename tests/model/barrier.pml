/* src/lib/sync/barrier.c: PARTIES cells that are claimed in order, and the word that says how a round
 * ended.
 *
 * Two participants (-DTHREE_COME: three) arrive WAITS times each; the first may be late, and one
 * dies, anywhere. What must hold: to
 * those who come to its end a round was either completed or broken, for all the same; it is completed
 * only if as many arrived; and when all is at rest nobody sleeps but in a round that still goes on and
 * wants somebody who will not come. Rounds begin at 1. */
#define N 3
#ifndef PARTIES
#define PARTIES 2
#endif
#ifndef WAITS
#define WAITS 2
#endif
#define ROUNDS 6
#include "mortal.pml"

#define CELL(round, participant) ((round) * 4 + (participant))
#define ROUND(cell) ((cell) / 4)
#define PARTICIPANT(cell) ((cell) % 4)

byte cells[PARTIES];
byte round = 1, completed; /* the word, with `broken`: one store changes all */
bool broken;
bool asleep[N + 1];        /* on the word */
bool noticed[N + 1];       /* that somebody left, since one prepared to wait for that */

/* What is only for the checks. */
byte arrived[ROUNDS + 1];
bool was_completed[ROUNDS + 1], was_broken[ROUNDS + 1];

#define WAKE_ALL asleep[1] = false; asleep[2] = false; asleep[3] = false
#define NOTICE_ALL noticed[1] = true; noticed[2] = true; noticed[3] = true

#ifdef BUG_WHO_ENDS_IT_DOES_NOT_ASK_WHETHER_ALL_ARRIVED
#define MEANT_COMPLETE(complete) true
#else
#define MEANT_COMPLETE(complete) complete
#endif

/* `complete` is seen first, then the word is changed, then all are woken. */
#define END_ROUND(which, complete, mine, or_dies)                                                  \
	atomic { mine = false; complete = CELL_IS_CLAIMED(PARTIES - 1, which) };                 \
	if                                                                                         \
	:: atomic {                                                                                \
			round == which && !broken ->                                               \
			if                                                                         \
			:: MEANT_COMPLETE(complete) -> completed = which; round = which + 1                  \
			:: else -> broken = true; mine = true                                      \
			fi;                                                                        \
			complete = false;                                                          \
			or_dies                                                                    \
		};                                                                                 \
		atomic { WAKE_ALL; or_dies }                                                       \
	:: atomic { round != which || broken -> complete = false }                                 \
	fi

#define CELL_IS_CLAIMED(index, which) (PARTICIPANT(cells[index]) != 0 && ROUND(cells[index]) == which)

#define FOREVER 0
#define UNTIL_LATE 1

proctype party(byte me)
{
	byte left = WAITS, index, seen, mine_round, patience;
	bool complete, by_me, is_late;

next:
	atomic {
		if
		:: left == 0 || broken -> goto done
		:: else -> left--; mine_round = round; index = 0
		fi
	};
	do /* claim() */
	:: atomic { noticed[me] = false; seen = cells[index] };
		if
		:: atomic { round != mine_round || broken -> left++; index = 0; seen = 0; goto next }
		:: atomic { round == mine_round && !broken };
			if
			:: atomic {
					PARTICIPANT(seen) != 0 && ROUND(seen) == mine_round ->
					index++; seen = 0;
					if :: index == PARTIES -> index = 0; goto all_taken :: else fi
				}
			:: atomic { PARTICIPANT(seen) != 0 && ROUND(seen) != mine_round -> seen = 0 };
				noticed[me]
			:: atomic {
					PARTICIPANT(seen) == 0 ->
					if
					:: cells[index] == seen ->
						cells[index] = CELL(mine_round, me);
						arrived[mine_round]++;
						seen = 0;
						OR_DIES;
						break
					:: else -> seen = 0
					fi
				}
			fi
		fi
	od;
	if
	:: index == PARTIES - 1 ->
#ifndef BUG_WHO_CLAIMS_THE_LAST_LEAVES_IT_TO_OTHERS
		END_ROUND(mine_round, complete, by_me, OR_DIES)
#else
		skip
#endif
	:: else
	fi;
	do /* await_end() */
	:: atomic { round != mine_round || broken -> break }
	:: atomic {
			round == mine_round && !broken ->
			asleep[me] = true;
			if :: true -> patience = FOREVER :: me == 1 && !is_late -> patience = UNTIL_LATE fi
		};
		if
		:: atomic { !asleep[me] -> patience = FOREVER }
		:: atomic { asleep[me] && patience == UNTIL_LATE -> asleep[me] = false; patience = FOREVER; is_late = true };
			END_ROUND(mine_round, complete, by_me, OR_DIES);
			if :: by_me -> break :: else fi
		fi
	od;
	atomic {
		if
		:: completed == mine_round && !by_me ->
			was_completed[mine_round] = true;
			assert(arrived[mine_round] == PARTIES)
		:: else ->
			was_broken[mine_round] = true
		fi;
		by_me = false;
		assert(!(was_completed[mine_round] && was_broken[mine_round]))
	};
	/* leave() */
	atomic {
		if :: cells[index] == CELL(mine_round, me) -> cells[index] = CELL(mine_round, 0) :: else fi;
		index = 0;
		OR_DIES
	};
	atomic { NOTICE_ALL; goto next };
all_taken: /* who arrived last has not ended it yet */
	END_ROUND(mine_round, complete, by_me, OR_DIES);
	atomic { by_me = false; left++; goto next };
done:
	atomic { over[me] = true; goto end };
dies:
	atomic {
		complete = false; by_me = false; index = 0; seen = 0; patience = 0;
		dead[me] = true
	};
	atomic { !dead[me] -> over[me] = true };
end:
}

byte its_cell;
byte its_word;
bool its_complete, its_mine;

inline recover(who)
{
	atomic { its_cell = 0; its_word = 0; its_complete = false; its_mine = false };
	do
	:: atomic { its_cell < PARTIES -> its_word = cells[its_cell] };
		if
		:: PARTICIPANT(its_word) == who ->
#ifndef BUG_THE_CELL_IS_FREED_AND_THE_ROUND_GOES_ON
			END_ROUND(ROUND(its_word), its_complete, its_mine, OR_AGAIN);
#endif
			atomic {
				if
				:: cells[its_cell] == its_word -> cells[its_cell] = CELL(ROUND(its_word), 0)
				:: else
				fi;
				OR_AGAIN
			}
		:: PARTICIPANT(its_word) != who
		fi;
		atomic { its_cell++; its_word = 0; its_mine = false }
	:: atomic { its_cell == PARTIES -> its_cell = 0; break }
	od;
#ifndef BUG_RECOVERY_WAKES_NOBODY
	atomic { WAKE_ALL; OR_AGAIN };
	atomic { NOTICE_ALL; OR_AGAIN }
#endif
}

#include "sweeper.pml"

#define ALL_HERE (CELL_IS_CLAIMED(0, round) && CELL_IS_CLAIMED(PARTIES - 1, round))

active proctype last()
{
	byte i;

	timeout ->
	for (i : 1 .. N) {
		/* Who is not at his end sleeps in the present round, which has not all it wants. */
		assert(over[i] || (asleep[i] && !broken && !ALL_HERE))
	};
	/* Nobody who had arrived in it is gone. */
	assert(broken || arrived[round] == CELL_IS_CLAIMED(0, round) + CELL_IS_CLAIMED(1, round))
}

init
{
	atomic {
		run party(1);
		run party(2);
#ifdef THREE_COME
		run party(3)
#else
		over[3] = true
#endif
	}
}
