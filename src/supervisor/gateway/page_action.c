/* What the page without script can do, and what scripts do by the same addresses: /index.html?action=...&processname=..., answered as
 * supervisor does, by a redirection to the page with a message. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/api.h"
#include "gateway/browser.h"
#include "gateway/description.h"
#include "gateway/live.h"
#include "gateway/page.h"
#include "gateway/words.h"

#define FOREIGN                                                                                    \
	"Nothing was done: what an address asks for is done for a browser only from this page. Do it here."

struct action {
	struct exchange *exchange;
	char *word, *name; /* as they came; the name may be NULL */
	const struct verb *verb; /* NULL: there is no such action */
	struct table_waiter waiter;
	bool waits, refused;
	struct job *job;
};

/* What can be asked for. */
static const struct verb {
	const char *word;
	enum job_kind kind;
	bool of_all;
} verbs[] = {
	{ "start", JOB_START, false },
	{ "stop", JOB_STOP, false },
	{ "restart", JOB_RESTART, false },
	{ "clearlog", JOB_CLEAR, false },
	{ "stopall", JOB_STOP, true },
	{ "restartall", JOB_RESTART, true },
};

static const struct verb *find_verb(const char *word)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].word, word) == 0)
			return &verbs[i];
	return NULL;
}

static void action_is_over(void *data)
{
	struct action *action = data;

	if (action->waits)
		table_stop_waiting(exchange_gateway(action->exchange), &action->waiter);
	job_cancel(action->job);
	free(action->word);
	free(action->name);
	free(action);
}

/* ---- the answer ---- */

/* A browser may be behind somebody who gives the page another name: it is sent to the same place. Others get the whole
 * address, as from supervisor. */
static void redirect(struct exchange *exchange, const char *message)
{
	struct buffer location = BUFFER((size_t)1 << 20), body = BUFFER(64);
	struct browser_signs signs = browser_signs(exchange);

	if (signs.host && !browser_sent(&signs))
		buffer_print(&location, "http://%s", signs.host);
	buffer_add_text(&location, "/?message=");
	words_url(&location, message);
	exchange_add_header(exchange, "Location", buffer_text(&location));
	exchange_add_header(exchange, "Cache-Control", "no-cache");
	exchange_answer(exchange, 301, "text/html;charset=utf-8", &body);
	buffer_deinit(&location);
	buffer_deinit(&body);
}

__attribute__((format(printf, 2, 3))) static void say(struct action *action, const char *format, ...)
{
	struct buffer message = BUFFER((size_t)1 << 20);
	va_list arguments;

	va_start(arguments, format);
	buffer_vprint(&message, format, arguments);
	va_end(arguments);
	redirect(action->exchange, buffer_text(&message));
	buffer_deinit(&message);
}

static void time_text(char text[64])
{
	time_t now = time(NULL);
	struct tm local;

	text[0] = '\0';
	if (localtime_r(&now, &local))
		strftime(text, 64, "%a %b %e %H:%M:%S %Y", &local);
}

static const char *start_fault_words(int fault)
{
	switch (fault) {
	case FAULT_NO_FILE:
		return "no such file";
	case FAULT_NOT_EXECUTABLE:
		return "file not executable";
	case FAULT_ALREADY_STARTED:
		return "already started";
	case FAULT_SPAWN_ERROR:
		return "spawn error";
	case FAULT_ABNORMAL_TERMINATION:
		return "abnormal termination";
	}
	return NULL;
}

static void say_failed(struct action *action, const struct verb *verb, struct job_result result)
{
	bool starts = verb->kind == JOB_START || verb->kind == JOB_RESTART;
	const char *words = starts ? start_fault_words(result.fault) : NULL;
	const char *name = fault_name(result.fault), *colon = result.text[0] ? ": " : "";

	if (words)
		say(action, "ERROR: Process %s: %s", action->name, words);
	else
		say(action, "%s%s%sunexpected rpc fault [%d] %s%s%s", starts ? "ERROR: Process " : "",
			starts ? action->name : "", starts ? ": " : "", result.fault, name ? name : "", colon,
			result.text);
}

static void done(void *data, struct job *job)
{
	struct action *action = data;
	const struct verb *verb = action->verb;
	char when[64];

	action->job = NULL;
	time_text(when);
	if (!verb->of_all && job_result(job, 0).fault != FAULT_SUCCESS)
		say_failed(action, verb, job_result(job, 0));
	else if (verb->kind == JOB_CLEAR)
		say(action, "Log for %s cleared", action->name);
	else if (verb->of_all)
		say(action, "All %s at %s", job_word(verb->kind), when);
	else
		say(action, "Process %s %s", action->name, job_word(verb->kind));
}

/* ---- doing ---- */

static void begin(struct action *action, const struct table_row *const *rows, size_t count)
{
	struct job_request request = {
		.kind = action->verb->kind,
		.wait = true,
		.rows = rows,
		.count = count,
	};

	if (job_start(exchange_gateway(action->exchange), &request, done, action, &action->job) < 0)
		exchange_answer_status(action->exchange, 500);
}

static void begin_all(struct action *action, const struct table *table)
{
	const struct table_row **rows = calloc(table->count + 1, sizeof *rows);

	for (size_t i = 0; rows && i < table->count; i++)
		rows[i] = &table->rows[i];
	if (rows)
		begin(action, rows, table->count);
	else
		exchange_answer_status(action->exchange, 500);
	free(rows);
}

static void act(struct action *action, const struct table *table)
{
	char group[BOARD_NAME_SIZE], name[BOARD_NAME_SIZE];
	const struct table_row *row = NULL;

	if (action->refused) {
		page_answer_table(action->exchange, 403, table, FOREIGN);
		return;
	}
	if (action->verb->of_all) {
		begin_all(action, table);
		return;
	}
	if (api_split_name(action->name, group, name) == 0)
		row = table_find(table, group, name);
	if (row)
		begin(action, &row, 1);
	else
		say(action, "No such process named %s", action->name);
}

static void table_is_here(struct table_waiter *waiter, const struct table *table)
{
	struct action *action = (struct action *)((char *)waiter - offsetof(struct action, waiter));

	action->waits = false;
	if (table)
		act(action, table);
	else
		exchange_answer_status(action->exchange, 503);
}

static bool is_allowed(struct exchange *exchange)
{
	struct browser_signs signs = browser_signs(exchange);
	char *token = page_field(exchange, "token");
	bool allowed = browser_may_act(&signs, live_token(exchange_gateway(exchange)), token);

	free(token);
	return allowed;
}

/* Is there such an action, with the name that it needs? Others are what supervisor cannot do either. */
static bool is_meant(const struct action *action)
{
	return action->verb && (action->verb->of_all || (action->name && action->name[0]));
}

void page_act_consume(struct exchange *exchange, char *word, char *name)
{
	struct action *action = calloc(1, sizeof *action);
	const struct table *table;
	char when[64];

	if (!action) {
		free(word);
		free(name);
		exchange_answer_status(exchange, 500);
		return;
	}
	action->exchange = exchange;
	action->word = word;
	action->verb = find_verb(word);
	action->name = name;
	exchange_attach(exchange, action, action_is_over);
	if (strcmp(word, "refresh") == 0) {
		time_text(when);
		say(action, "Page refreshed at %s", when);
		return;
	}
	if (!is_meant(action)) {
		exchange_answer_status(exchange, 500);
		return;
	}
	action->refused = !is_allowed(exchange);
	table = table_now(exchange_gateway(exchange));
	if (table) {
		act(action, table);
		return;
	}
	action->waiter.here = table_is_here;
	action->waits = true;
	table_wait(exchange_gateway(exchange), &action->waiter);
}
