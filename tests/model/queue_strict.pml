/* src/lib/queue/strict*.c: one level of priority, CELLS cells and a ring that goes round.
 *
 * Producers put PUTS messages each, then the first closes the queue; consumer 3 peeks and releases,
 * or gives back once; another one gets. There are producer 1 and consumer 3; with -DTWO_PUT producer 2 as
 * well, with -DTWO_GET consumer 2, and then a killed consumer has no successor. One of them is
 * killed, anywhere, and so is the sweeper.
 *
 * What must hold: messages are taken from the ring in the order of their commits, each once; a
 * slot is replaced only when its message has been taken; and when all is at rest everybody has
 * come to his end, every cell is free, and each message has been finished once, by somebody who
 * lived on (or dropped, with -DDROP).
 *
 * Whom a notification wakes is eventcount.pml's: here it wakes all, and goes with the change that
 * it tells of unless there is another write between the two. Positions begin at RING.
 * Head and tail are moved by plain stores: who is late sets them back. */
#define N 3
#ifndef CELLS
#define CELLS 2
#endif
#ifdef BUG_RING_AS_LARGE_AS_CELLS
#define RING CELLS /* closing takes a slot, and has no cell */
#else
#define RING (CELLS + 1)
#endif
#ifndef PUTS
#define PUTS 2
#endif
#include "mortal.pml"

#define FREE 0
#define WRITING 1
#define OFFERED 2
#define COPYING 3
#define READING 4
#define GIVING 5
#define REDELIVERED 6

#define WORD(position, state, owner) ((position) * 64 + (state) * 8 + (owner))
#define POSITION(word) ((word) / 64)
#define STATE(word) ((word) / 8 % 8)
#define OWNER(word) ((word) % 8)

#define CLOSED 3
#define SLOT(position, cell) ((position) * 4 + (cell)) /* the cell counts from 1 */
#define SLOT_POSITION(slot) ((slot) / 4)
#define SLOT_CELL(slot) ((slot) % 4)

/* What an attempt came to. */
#define EMPTY 1
#define SHUT 2
#define FOUND 3
#define CHANGED 4

short cells[CELLS];
byte slots[RING];
byte head = RING, tail = RING;
byte redeliver;      /* `again` */
bool closed;         /* header->closed */
bool noticed[N + 1]; /* there was a notification since one prepared to wait */

/* What is only for the checks. */
byte next_taken = RING, committed, finished;
bool given_back;

#define WAKE_ALL noticed[1] = true; noticed[2] = true; noticed[3] = true
#ifdef TWO_PUT
#define WAKE_PUTTERS noticed[1] = true; noticed[2] = true
#define WAKE_GETTERS noticed[3] = true
#else
#define WAKE_PUTTERS noticed[1] = true
#define WAKE_GETTERS noticed[2] = true; noticed[3] = true
#endif

inline check_finished(position)
{
	assert(!(finished >> (position - RING) & 1));
	finished = finished | 1 << (position - RING)
}

/* --- The ring --- */

/* `at` and `slot`, which may be CLOSED. */
inline ring_tail()
{
	atomic { noticed[me] = false; hint = tail; at = hint };
	do
	:: atomic {
			slot = slots[at % RING];
			if
			:: SLOT_POSITION(slot) + RING == at || slot == SLOT(at, CLOSED) -> break
			:: else ->
				assert(SLOT_POSITION(slot) >= at);
				at = SLOT_POSITION(slot) + (SLOT_CELL(slot) != CLOSED)
			fi
		}
	od;
	if
	:: atomic { at != hint && tail == hint -> hint = 0 };
		atomic { tail = at; OR_DIES }
	:: atomic { at == hint || tail != hint -> hint = 0 }
	fi
}

/* SHUT or FOUND. */
inline ring_commit()
{
	do
	:: ring_tail();
		if
		:: atomic { slot == SLOT(at, CLOSED) -> result = SHUT; cells[cell] = 0; OR_DIES; break }
		:: atomic {
				slot != SLOT(at, CLOSED);
#ifndef BUG_COMMITTED_BEFORE_OFFERED
				cells[cell] = WORD(at, OFFERED, me);
#endif
				OR_DIES
			}
		fi;
		if
		:: atomic {
				slots[at % RING] == slot ->
				assert(SLOT_POSITION(slot) < next_taken);
				slots[at % RING] = SLOT(at, cell + 1);
				committed = committed | 1 << (at - RING);
				left--;
				slot = 0;
				WAKE_GETTERS;
				OR_DIES
			};
#ifdef BUG_COMMITTED_BEFORE_OFFERED
			atomic { cells[cell] = WORD(at, OFFERED, me); OR_DIES };
#endif
			if
			:: tail == at; atomic { tail = at + 1; result = FOUND; OR_DIES; break }
			:: atomic { tail != at -> result = FOUND; break }
			fi
		:: atomic { slots[at % RING] != slot -> slot = 0; at = 0 }
		fi
	od
}

/* EMPTY, SHUT, or FOUND with `cell` and `word`. */
inline ring_head()
{
	at = head;
	do
	:: atomic {
			slot = slots[at % RING];
			if
			:: SLOT_POSITION(slot) + RING == at -> result = EMPTY; slot = 0; break
			:: slot == SLOT(at, CLOSED) -> result = SHUT; slot = 0; break
			:: else -> assert(SLOT_POSITION(slot) >= at && SLOT_CELL(slot) != 0)
			fi
		};
		if
		:: atomic {
				SLOT_POSITION(slot) == at ->
				cell = SLOT_CELL(slot) - 1;
				slot = 0;
				word = cells[cell];
				if
				:: STATE(word) == OFFERED && POSITION(word) == at -> result = FOUND; break
				:: else -> next = at + 1; cell = 0; word = 0
				fi
			}
		:: atomic { SLOT_POSITION(slot) > at -> next = SLOT_POSITION(slot) - RING + 1; slot = 0 }
		fi;
		if
		:: head == at; atomic { head = next; at = next; next = 0; OR_DIES }
		:: atomic { head != at -> at = next; next = 0 }
		fi
	od;
	skip
}

/* --- Delivery once more --- */

#ifdef BUG_REDELIVERED_AT_ONCE
#define FIRST_STATE REDELIVERED
#define FIRST_OWNER(word) 0
#else
#define FIRST_STATE GIVING
#define FIRST_OWNER(word) OWNER(word)
#endif

#define CELL_PUT_BACK(index, word, or_dies)                                                        \
	if                                                                                         \
	:: atomic {                                                                                \
			cells[index] == word ->                                                    \
			word = WORD(POSITION(word), FIRST_STATE, FIRST_OWNER(word));               \
			cells[index] = word;                                                       \
			or_dies                                                                    \
		};                                                                                 \
		atomic { redeliver = (redeliver + 2) | 1; or_dies };                               \
		atomic {                                                                           \
			if                                                                         \
			:: cells[index] == word -> cells[index] = WORD(POSITION(word), REDELIVERED, 0) \
			:: else                                                                    \
			fi;                                                                        \
			or_dies                                                                    \
		}                                                                                  \
	:: cells[index] != word                                                                    \
	fi

/* FOUND with `cell` and `word`, or EMPTY. */
inline cell_again()
{
	atomic { noticed[me] = false; hint = redeliver; result = EMPTY };
	if
	:: atomic { hint & 1 -> index = 0 };
		do
		:: atomic {
				index < CELLS ->
#ifndef BUG_WHAT_IS_ON_ITS_WAY_IS_NOT_SEEN
				on_its_way = on_its_way || STATE(cells[index]) == GIVING;
#endif
				if
				:: STATE(cells[index]) == REDELIVERED && (word == 0 || cells[index] < word) ->
					word = cells[index];
					cell = index;
					result = FOUND
				:: else
				fi;
				index++
			}
		:: atomic { index == CELLS -> index = 0; break }
		od;
		atomic {
			if
			:: result == EMPTY && !on_its_way && redeliver == hint ->
				redeliver = hint & ~1;
				on_its_way = false;
				hint = 0;
				OR_DIES
			:: else -> on_its_way = false; hint = 0
			fi
		}
	:: atomic { !(hint & 1) -> hint = 0 }
	fi
}

/* --- Who uses it --- */

#define FORGET_PUTTING at = 0; hint = 0; slot = 0; cell = 0; result = 0

proctype producer(byte me; byte left)
{
	byte at, hint, slot, cell, result;
again:
	do
	:: atomic { left == 0 -> break }
	:: left > 0 ->
		ring_tail();
		atomic { if :: slot == SLOT(at, CLOSED) -> break :: else -> FORGET_PUTTING; result = EMPTY fi };
		do /* cell_claim() */
		:: atomic {
				STATE(cells[cell]) == FREE ->
				cells[cell] = WORD(POSITION(cells[cell]), WRITING, me);
				result = FOUND;
				OR_DIES;
				break
			}
		:: atomic {
				STATE(cells[cell]) != FREE -> cell++;
				if :: cell == CELLS -> cell = 0; break :: else fi
			}
		od;
		if
		:: atomic { result == EMPTY && noticed[me] -> result = 0 }
		:: result == FOUND ->
			ring_commit();
			atomic { if :: result == SHUT -> break :: else -> FORGET_PUTTING fi }
		fi
	od;
	atomic { FORGET_PUTTING; if :: me != 1 -> goto done :: else fi };
	do /* close */
	:: ring_tail();
		atomic {
			if
			:: slot == SLOT(at, CLOSED) -> break
			:: slot != SLOT(at, CLOSED) && slots[at % RING] == slot ->
				slots[at % RING] = SLOT(at, CLOSED);
				WAKE_ALL;
				OR_DIES;
				break
			:: else -> FORGET_PUTTING
			fi
		}
	od;
done:
	atomic { FORGET_PUTTING; over[me] = true; goto end };
dies:
	atomic { FORGET_PUTTING; dead[me] = true };
	atomic { !dead[me]; goto again };
end:
}

#define FORGET_GETTING                                                                             \
	at = 0; hint = 0; slot = 0; cell = 0; next = 0; index = 0; word = 0; on_its_way = 0; result = 0

proctype consumer(byte me; byte as)
{
	byte at, hint, slot, cell, next, index, result;
	short word;
	bool on_its_way;
again:
	do
	:: cell_again();
		if
		:: atomic {
				result == FOUND;
				if
				:: cells[cell] == word ->
					word = WORD(POSITION(word), as, me);
					cells[cell] = word;
					OR_DIES
				:: else -> result = CHANGED
				fi
			}
		:: result == EMPTY ->
			do
			:: ring_head();
				if
				:: atomic { result != FOUND -> at = 0; break }
				:: atomic {
						result == FOUND && cells[cell] == word ->
						assert(POSITION(word) == next_taken);
						next_taken++;
						word = WORD(POSITION(word), as, me);
						cells[cell] = word;
						OR_DIES
					};
					if
					:: head == at; atomic { head = at + 1; at = 0; OR_DIES; break }
					:: atomic { head != at -> at = 0; break }
					fi
				:: atomic {
						result == FOUND && cells[cell] != word ->
						word = 0; cell = 0; at = 0
					}
				fi
			od
		fi;
		if
		:: result == FOUND ->
			if
			:: atomic {
					assert(cells[cell] == word);
					cells[cell] = WORD(POSITION(word) + (as == READING), FREE, 0);
					check_finished(POSITION(word));
					WAKE_PUTTERS;
					OR_DIES
				}
			:: atomic { as == READING && !given_back -> given_back = true };
				CELL_PUT_BACK(cell, word, OR_DIES);
				WAKE_GETTERS
			fi;
			atomic {
				FORGET_GETTING;
				if :: closed -> WAKE_GETTERS :: else fi
			}
		:: result == SHUT ->
			/* told_closed() */
#ifndef BUG_CLOSED_IS_SET_AFTER_THE_LOOK
			atomic { closed = true; OR_DIES };
#endif
#ifdef BUG_CLOSED_WHILE_MESSAGES_MAY_COME_BACK
			index = CELLS;
#endif
			do /* cell_may_come_back() */
			:: atomic {
					index < CELLS ->
					if
					:: STATE(cells[index]) == GIVING || STATE(cells[index]) == REDELIVERED -> break
					:: STATE(cells[index]) == COPYING && OWNER(cells[index]) != me -> break
#ifndef BUG_CLOSED_WHILE_A_MESSAGE_MAY_BE_GIVEN_BACK
					:: STATE(cells[index]) == READING && OWNER(cells[index]) != me -> break
#endif
					:: else -> index++
					fi
				}
			:: index == CELLS -> break
			od;
#ifdef BUG_CLOSED_IS_SET_AFTER_THE_LOOK
			closed = true;
#endif
			atomic { if :: index == CELLS -> FORGET_GETTING; break :: else -> FORGET_GETTING fi };
			noticed[me]
		:: atomic { result == EMPTY -> result = 0 };
			noticed[me]
		:: atomic { result == CHANGED -> FORGET_GETTING }
		fi
	od;
	atomic { over[me] = true; goto end };
dies:
	atomic { FORGET_GETTING; dead[me] = true };
#ifdef TWO_GET
	atomic { !dead[me] -> over[me] = true };
#else
	atomic { !dead[me]; goto again };
#endif
end:
}

/* --- Death --- */

byte its_cell;
short its_word;

inline free_cell()
{
	atomic {
		if
		:: cells[its_cell] == its_word ->
			cells[its_cell] = WORD(POSITION(its_word), FREE, 0);
			if :: STATE(its_word) == READING -> check_finished(POSITION(its_word)) :: else fi;
			OR_AGAIN
		:: else
		fi
	}
}

#define IS_IN_SLOT(word) (slots[POSITION(word) % RING] == SLOT(POSITION(word), its_cell + 1))

inline recover(who)
{
	atomic { its_cell = 0; its_word = 0 };
	do
	:: atomic { its_cell < CELLS -> its_word = cells[its_cell]; if :: OWNER(its_word) != who -> its_word = 0 :: else fi };
		if
		:: STATE(its_word) == WRITING -> free_cell()
		:: STATE(its_word) == OFFERED ->
#ifdef BUG_WHAT_WAS_OFFERED_IS_FREED
			free_cell()
#else
#ifdef BUG_WHAT_WAS_OFFERED_IS_LEFT
			skip
#else
			if
			:: IS_IN_SLOT(its_word)
			:: !IS_IN_SLOT(its_word) -> free_cell()
			fi
#endif
#endif
		:: STATE(its_word) == COPYING || STATE(its_word) == GIVING -> CELL_PUT_BACK(its_cell, its_word, OR_AGAIN)
		:: STATE(its_word) == READING ->
#ifdef DROP
			free_cell()
#else
			CELL_PUT_BACK(its_cell, its_word, OR_AGAIN)
#endif
		:: else
		fi;
		atomic { its_word = 0; its_cell++ }
	:: atomic { its_cell == CELLS -> its_cell = 0; WAKE_ALL; break }
	od
}

#include "sweeper.pml"

active proctype last()
{
	timeout ->
	assert(over[1] && over[2] && over[3]);
	assert(STATE(cells[0]) == FREE && STATE(cells[CELLS - 1]) == FREE);
	assert(finished == committed)
}

init
{
	atomic {
		if :: RING > 1 -> slots[1 % RING] = SLOT(1, 0) :: else fi;
		if :: RING > 2 -> slots[2 % RING] = SLOT(2, 0) :: else fi;
		run producer(1, PUTS);
#ifdef TWO_PUT
		run producer(2, PUTS);
#else
#ifdef TWO_GET
		run consumer(2, COPYING);
#else
		over[2] = true;
#endif
#endif
		run consumer(3, READING)
	}
}
