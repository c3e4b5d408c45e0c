#include "gateway/gateway.h"

#include <errno.h>
#include <stdlib.h>

#include "board/log.h"
#include "gateway/mail.h"
#include "gateway/table.h"

/* The answers that are under way have had their time. */
static void overdue(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	gateway_end(data);
}

void gateway_finish(struct gateway *gateway)
{
	struct reeve_loop_source *timer;

	if (!gateway->finish || reeve_loop_add_timer(gateway->loop, overdue, gateway, &timer) < 0) {
		gateway_end(gateway);
		return;
	}
	reeve_loop_timer_start(timer, GATEWAY_FINISH_LONGEST, 0);
	gateway->finish(gateway);
}

void gateway_end(struct gateway *gateway)
{
	reeve_loop_stop(gateway->loop, 0);
}

int gateway_init(struct gateway *gateway, const struct gateway_settings *settings, int board,
	const struct mail_channels *channels)
{
	int r;

	*gateway = (struct gateway){ .settings = settings };
	r = board_open(board, &gateway->board);
	if (r == 0)
		r = reeve_loop_new(&gateway->loop);
	if (r == 0)
		r = table_set_new(gateway);
	if (r == 0)
		r = mail_new(gateway, channels);
	return r;
}

void gateway_deinit(struct gateway *gateway)
{
	mail_free(gateway);
	table_set_free(gateway);
	reeve_loop_free(gateway->loop);
	if (gateway->board.map)
		board_close(&gateway->board);
}

int gateway_run(struct gateway *gateway)
{
	int r;

	do {
		r = reeve_loop_run(gateway->loop);
	} while (r == -EINTR);
	return r;
}
