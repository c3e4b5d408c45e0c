/* src/lib/queue/lanes*.c: one lane, and how it is closed.
 *
 * Putting is a plain store, which waits in its processor's buffer until that drains, or until a
 * barrier that another has made in all processes (membarrier(2)); the look at `closing` does not wait.
 * What must hold: what a put says was put is got, and nothing else is, in whatever order; whoever dies. */
#define N 3
#define PUTS 2
#include "mortal.pml"

byte tail, head;      /* as memory has them */
byte buffered;        /* the tail that is on its way to memory; 0: none */
bool closing, sealed; /* whether all lanes are */
byte seal;            /* position * 2 + 1; 0: open */

/* What is only for the checks: a bit for each position. */
byte put, refused, got;

inline drain()
{
	if :: buffered -> tail = buffered; buffered = 0 :: else fi
}

/* The processor's buffer drains when it likes. */
active proctype buffer()
{
end:
	do
	:: atomic { buffered -> drain() }
	od
}

#ifdef BUG_SEALED_WITHOUT_A_BARRIER
#define BARRIER skip
#else
#define BARRIER atomic { drain() }
#endif

/* lanes_seal() */
inline seal_all(seen)
{
	if
	:: sealed
	:: !sealed ->
		BARRIER;
		atomic { seen = tail };
		atomic { if :: seal == 0 -> seal = seen * 2 + 1; OR_DIES :: else fi; seen = 0 };
		atomic { sealed = true; OR_DIES }
	fi
}

proctype producer(byte me)
{
	byte position;
	do
	:: atomic { position == PUTS || closing -> break }
	:: atomic { position < PUTS && !closing };
		atomic { buffered = position + 1; OR_DIES };
		if
		:: atomic { !closing -> put = put | 1 << position; position++ }
		:: closing ->
			/* settle(): a locked instruction drains the buffer */
			atomic {
				drain();
				if
				:: seal == 0 -> seal = (position + 1) * 2 + 1; put = put | 1 << position; OR_DIES; break
				:: seal >= (position + 1) * 2 + 1 -> put = put | 1 << position; OR_DIES; break
				:: else
				fi
			};
			atomic { tail = position; refused = refused | 1 << position; OR_DIES; break }
		fi
	od;
	atomic { position = 0; over[me] = true; goto end };
dies:
	atomic { position = 0; drain(); dead[me] = true };
	atomic { !dead[me] -> over[me] = true };
end:
}

proctype closer(byte me)
{
	byte seen;

	atomic { closing = true; OR_DIES };
	seal_all(seen);
	atomic { over[me] = true; goto end };
dies:
	atomic { seen = 0; dead[me] = true };
	atomic { !dead[me] -> over[me] = true };
end:
}

proctype getter(byte me)
{
	byte seen, most;
again:
	do
	:: atomic { most = tail };
		if
		:: !closing
		:: closing ->
			seal_all(seen);
			atomic {
				if
#ifdef BUG_WHO_GETS_BELIEVES_THE_TAIL
				:: true
#endif
				:: seal == 0 -> most = (most < head -> most : head)
				:: seal != 0 && seal / 2 < most -> most = seal / 2
				:: else
				fi
			}
		fi;
		if
		:: atomic { most > head -> got = got | 1 << head; head++; most = 0; OR_DIES }
		:: atomic { most <= head && sealed && head >= (tail < seal / 2 -> tail : seal / 2) -> break }
		:: atomic { most <= head && !(sealed && head >= (tail < seal / 2 -> tail : seal / 2)) -> most = 0 };
			/* asleep until there is something new */
			tail != head || closing
		fi
	od;
	atomic { over[me] = true; goto end };
dies:
	atomic { seen = 0; most = 0; dead[me] = true };
	atomic { !dead[me]; goto again };
end:
}

inline recover(who)
{
	byte its_seen;

	if
	:: closing && !sealed ->
		BARRIER;
		atomic { its_seen = tail };
		atomic { if :: seal == 0 -> seal = its_seen * 2 + 1; OR_AGAIN :: else fi; its_seen = 0 };
		atomic { sealed = true; OR_AGAIN }
	:: else
	fi
}

#include "sweeper.pml"

active proctype last()
{
	timeout ->
	assert(!(got & refused));
	/* Who died in the middle of a put does not know. */
	assert((got & put) == put);
	assert(over[1] && over[2] && over[3])
}

init
{
	atomic { run producer(1); run closer(2); run getter(3) }
}
