#include "keeper/exits.h"

#include <errno.h>
#include <sys/wait.h>

bool exits_have_room(const struct keeper_memory *memory)
{
	return memory->exits_next - memory->exits_first < KEEPER_EXITS_MAX;
}

/* As wait(2) has it. */
static int wait_status(const struct reeve_process_outcome *outcome)
{
	if (outcome->how == REEVE_PROCESS_SIGNALLED)
		return outcome->status | (outcome->core ? WCOREFLAG : 0);
	return W_EXITCODE(outcome->status, 0);
}

void exits_add(struct keeper_memory *memory, const struct reeve_process_outcome *outcome)
{
	uint64_t number = memory->exits_next;

	memory->exits[number % KEEPER_EXITS_MAX] = (struct message_exited){
		.type = MESSAGE_EXITED,
		.pid = outcome->pid,
		.status = wait_status(outcome),
		.number = number,
		.when = reeve_now(),
	};
	memory->exits_next = number + 1;
}

int exits_seen(struct keeper_memory *memory, uint64_t number)
{
	if (number >= memory->exits_next)
		return -EBADMSG;
	if (number >= memory->exits_first)
		memory->exits_first = number + 1;
	return 0;
}

const struct message_exited *exits_get(const struct keeper_memory *memory, uint64_t number)
{
	return &memory->exits[number % KEEPER_EXITS_MAX];
}
