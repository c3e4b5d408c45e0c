#include "ctl/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t pending;

static void remember(int signo)
{
	(void)signo;
	pending = 1;
}

void interrupt_catch(void)
{
	struct sigaction action = { .sa_handler = remember }; /* no SA_RESTART: it is to interrupt */

	sigaction(SIGINT, &action, NULL);
}

bool interrupt_pending(void)
{
	return pending;
}

void interrupt_forget(void)
{
	pending = 0;
}
