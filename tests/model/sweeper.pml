/* Recovers whoever died: `recover(victim)` is the model's. */
active proctype sweeper()
{
	byte victim;
again:
	do
	:: atomic {
			victim == 0 ->
			if
			:: dead[1] -> victim = 1
			:: dead[2] -> victim = 2
#if N > 2
			:: dead[3] -> victim = 3
#endif
#if N > 3
			:: dead[4] -> victim = 4
#endif
			fi
		}
	:: victim != 0 ->
		recover(victim);
		atomic { dead[victim] = false; victim = 0 }
	od
}
