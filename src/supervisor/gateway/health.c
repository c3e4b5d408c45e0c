/* For load balancers and container platforms, in words of one line.
 *
 * /healthz  200 as long as the gateway answers and a core runs: else the supervisor is to be restarted
 * /readyz   200 when the supervisor runs and no process that is to run is FATAL, or on its way there; else 503 and their names
 * /ok.html  supervisor's own: always "OK" */
#include <signal.h>
#include <stdatomic.h>

#include "gateway/describe.h"
#include "gateway/description.h"
#include "gateway/exchange.h"

#define NAMES_MAX 16

static void answer(struct exchange *exchange, unsigned status, struct buffer *body)
{
	exchange_add_header(exchange, "Cache-Control", "no-store");
	exchange_answer(exchange, status, "text/plain; charset=utf-8", body);
	buffer_deinit(body);
}

void health_handle(struct exchange *exchange)
{
	const struct board_header *header = exchange_gateway(exchange)->board.header;
	struct buffer body = BUFFER(4096);
	bool healthy = atomic_load(&header->core_pid) > 0 && atomic_load(&header->mood) != MOOD_FATAL;

	buffer_add_text(&body, healthy ? "ok\n" : "there is no core\n");
	answer(exchange, healthy ? 200 : 503, &body);
}

static void add_names(const struct gateway *gateway, struct buffer *body)
{
	uint32_t rows = atomic_load(&gateway->board.header->rows), found = 0;
	char id[DESCRIPTION_ID_SIZE];
	struct board_record record;

	for (uint32_t row = 0; row < rows && row < BOARD_ROWS_MAX; row++) {
		if (!describe_read(gateway, row, &record))
			continue;
		/* A start that fails is not ready; one that takes its startsecs is not yet; one stopped on purpose is out of
		 * the question. */
		if (record.state != STATE_FATAL && record.state != STATE_BACKOFF && record.state != STATE_STARTING &&
			record.state != STATE_UNKNOWN)
			continue;
		if (found++ >= NAMES_MAX)
			continue;
		description_id(&record, id);
		buffer_print(body, "%s is %s\n", id, process_state_name(record.state));
	}
	if (found > NAMES_MAX)
		buffer_print(body, "and %u more\n", found - NAMES_MAX);
}

void ready_handle(struct exchange *exchange)
{
	const struct gateway *gateway = exchange_gateway(exchange);
	struct buffer body = BUFFER(65536);
	int mood = atomic_load(&gateway->board.header->mood);

	if (mood != MOOD_RUNNING)
		buffer_print(&body, "the supervisor is %s\n", mood_name(mood) ? mood_name(mood) : "UNKNOWN");
	add_names(gateway, &body);
	if (body.length > 0) {
		answer(exchange, 503, &body);
		return;
	}
	buffer_add_text(&body, "ready\n");
	answer(exchange, 200, &body);
}

void ok_handle(struct exchange *exchange)
{
	exchange_answer_static(exchange, 200, "text/html", "OK", 2);
}
