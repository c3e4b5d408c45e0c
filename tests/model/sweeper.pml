/* Kills up to KILLS of the N participants, and recovers them: `recover(victim)` is the model's. A
 * recovery is killed, once at most, by beginning it again: what it did until then stays. */
#ifndef KILLS
#define KILLS 1
#endif
byte kills, victim;
bool sweeper_dies, sweeper_died;

#define KILL(who) \
	:: atomic { kills < KILLS && !dead[who] && !over[who] -> dead[who] = true; asleep[who] = false; kills++ }

active proctype killer()
{
	do
	KILL(1)
	KILL(2)
#if N > 2
	KILL(3)
#endif
#if N > 3
	KILL(4)
#endif
#if N > 4
	KILL(5)
#endif
	:: atomic { victim != 0 && !sweeper_died -> sweeper_died = true; sweeper_dies = true }
#ifdef OTHER_EVENTS
	OTHER_EVENTS
#endif
	:: break
	od
}

active proctype sweeper()
{
again:
	{
end:
		do
		:: victim == 0 ->
			atomic {
				if
				:: dead[1] -> victim = 1
				:: dead[2] -> victim = 2
#if N > 2
				:: dead[3] -> victim = 3
#endif
#if N > 3
				:: dead[4] -> victim = 4
#endif
#if N > 4
				:: dead[5] -> victim = 5
#endif
				fi
			}
		:: victim != 0 ->
			recover(victim);
			atomic { dead[victim] = false; victim = 0 }
		od
	} unless { atomic { sweeper_dies -> sweeper_dies = false; goto again } }
}
