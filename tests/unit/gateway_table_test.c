/* What the gateway was told: its settings, and the table of processes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "board/roles.h"
#include "gateway/settings.h"
#include "gateway/table.h"
#include "support/gateway_rig.h"
#include "support/harness.h"

#define ROW(row, group, name)                                                                      \
	"{\"row\":" #row ",\"group\":\"" group "\",\"name\":\"" name "\",\"group_priority\":999,"  \
	"\"priority\":-1,\"kind\":\"fcgi-program\",\"stdout_logfile\":\"/o\",\"stderr_logfile\":\"\"," \
	"\"command\":\"c\",\"redirect_stderr\":true,\"autostart\":false}"
#define TABLE(number, rows)                                                                        \
	"{\"tables\":" #number ",\"logfile\":\"/l\",\"groups\":[{\"name\":\"b\",\"priority\":1,"    \
	"\"kind\":\"program\"}],\"rows\":[" rows "]}"
#define ROWS ROW(4, "b", "z") "," ROW(0, "a", "x") "," ROW(7, "b", "y") "," ROW(2, "bb", "")

/* ---- settings ---- */

static int parse_settings(const char *text)
{
	struct gateway_settings *settings = NULL;
	int r = settings_parse(text, strlen(text), &settings);

	settings_free(settings);
	return r;
}

START_TEST(settings_say_whom_to_serve)
{
	static const char text[] =
		"{\"identifier\":\"i\",\"log_level\":10,\"namespaces\":[\"supervisor\",\"x\"],\"servers\":["
		"{\"section\":\"s\",\"unix\":true,\"address\":\"/a\",\"username\":\"\",\"password\":\"\"},"
		"{\"section\":\"t\",\"unix\":false,\"address\":\"h:1\",\"username\":\"u\",\"password\":\"\"}]}";
	struct gateway_settings *settings;

	ck_assert_int_eq(settings_parse(text, strlen(text), &settings), 0);
	ck_assert_str_eq(settings->identifier, "i");
	ck_assert_int_eq(settings->log_level, 10);
	ck_assert_uint_eq(settings->namespace_count, 2);
	ck_assert_str_eq(settings->namespaces[1], "x");
	ck_assert_uint_eq(settings->server_count, 2);
	ck_assert(settings->servers[0].is_unix);
	ck_assert_ptr_null(settings->servers[0].username);
	ck_assert_int_eq(settings->servers[1].fd, GATEWAY_SERVERS + 1);
	ck_assert_str_eq(settings->servers[1].username, "u");
	ck_assert_str_eq(settings->servers[1].password, "");
	settings_free(settings);
}
END_TEST

START_TEST(settings_that_make_no_sense_are_refused)
{
	ck_assert_int_eq(parse_settings(""), -EBADMSG);
	ck_assert_int_eq(parse_settings("{}"), -EBADMSG);
	ck_assert_int_eq(parse_settings("{\"identifier\":\"i\",\"log_level\":10,\"namespaces\":[1],\"servers\":[]}"),
		-EBADMSG);
	ck_assert_int_eq(parse_settings("{\"identifier\":\"i\",\"log_level\":10,\"namespaces\":[],\"servers\":[{}]}"),
		-EBADMSG);
	ck_assert_ptr_null(settings_free(NULL));
}
END_TEST

/* ---- one table ---- */

static const struct table *parse(const char *text)
{
	const struct table *table = NULL;

	ck_assert_int_eq(table_parse(text, strlen(text), &table), 0);
	return table;
}

START_TEST(a_table_keeps_the_order_of_starts_and_finds_by_name)
{
	const struct table *table = parse(TABLE(5, ROWS));
	const struct table_row *const *rows;
	const struct table_row *row = table_find(table, "b", "y");

	ck_assert_uint_eq(table->number, 5);
	ck_assert_str_eq(table->logfile, "/l");
	ck_assert_uint_eq(table->group_count, 1);
	ck_assert_int_eq(table->groups[0].priority, 1);
	ck_assert_uint_eq(table->count, 4);
	ck_assert_uint_eq(table->rows[0].row, 4);
	ck_assert_uint_eq(row->row, 7);
	ck_assert_int_eq(row->group_priority, 999);
	ck_assert_int_eq(row->priority, -1);
	ck_assert_int_eq(row->kind, CONFIG_FCGI_PROGRAM);
	ck_assert_str_eq(row->stdout_logfile, "/o");
	ck_assert(row->redirect_stderr && !row->autostart);
	ck_assert_ptr_null(table_find(table, "b", "x"));
	ck_assert_ptr_null(table_find(table, "", ""));
	ck_assert_ptr_null(table_find(table, "c", ""));
	ck_assert_uint_eq(table_find_group(table, "b", &rows), 2);
	ck_assert_str_eq(rows[0]->name, "y");
	ck_assert_str_eq(rows[1]->name, "z");
	ck_assert_uint_eq(table_find_group(table, "bb", &rows), 1);
	ck_assert_uint_eq(table_find_group(table, "ba", &rows), 0);
	table_release(table);
}
END_TEST

START_TEST(a_table_that_makes_no_sense_is_refused)
{
	static const char *const wrong[] = {
		"", "{}", "[]", TABLE(-1, ""), TABLE(5000000000, ""), TABLE(1, "{}"), TABLE(1, "1"),
		TABLE(1, ROW(-1, "a", "x")), TABLE(1, ROW(65536, "a", "x")), TABLE(1, ROW("x", "a", "x")),
	};
	const struct table *table;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_int_eq(table_parse(wrong[i], strlen(wrong[i]), &table), -EBADMSG);
	table_release(parse(TABLE(1, "")));
	table_release(NULL);
}
END_TEST

/* ---- the one that is kept ---- */

static struct gateway_rig rig;
static struct table_waiter waiters[3];
static unsigned told;
static const struct table *last;

static void start(void)
{
	rig_start(&rig);
}

static void end(void)
{
	if (last)
		table_release(last);
	rig_end(&rig);
}

static void here(struct table_waiter *waiter, const struct table *table)
{
	told++;
	if (last)
		table_release(last);
	last = table ? table_keep(table) : NULL;
}

static void here_and_none_else(struct table_waiter *waiter, const struct table *table)
{
	told++;
	for (int i = 0; i < 3; i++)
		table_stop_waiting(&rig.gateway, &waiters[i]);
}

static void here_and_once_more(struct table_waiter *waiter, const struct table *table)
{
	told++;
	table_wait(&rig.gateway, waiter);
}

static void wait_with(void (*callback)(struct table_waiter *, const struct table *))
{
	for (int i = 0; i < 3; i++) {
		waiters[i].here = callback;
		table_wait(&rig.gateway, &waiters[i]);
	}
}

static uint64_t core_is_asked(void)
{
	union message message;

	if (rig_receive(rig.core, &message, NULL) != MESSAGE_REQUEST)
		return 0;
	ck_assert_uint_eq(message.request.kind, REQUEST_TABLE);
	return message.request.number;
}

static void answer(uint64_t number, int fault, const char *text)
{
	struct message_reply message = { .type = MESSAGE_REPLY, .fault = fault, .number = number };
	int fd = text ? rig_memory(text) : -1;

	ck_assert_uint_ne(number, 0);
	rig_send(&rig, rig.core, &message, fd);
	if (fd >= 0)
		close(fd);
}

START_TEST(it_is_asked_for_once_and_again_when_it_is_old)
{
	ck_assert_ptr_null(table_now(&rig.gateway));
	ck_assert_ptr_null(table_now(&rig.gateway));
	wait_with(here);
	answer(core_is_asked(), FAULT_SUCCESS, TABLE(0, ROWS));
	ck_assert_uint_eq(told, 3);
	ck_assert_uint_eq(core_is_asked(), 0);
	ck_assert_ptr_eq(table_now(&rig.gateway), last);
	atomic_fetch_add(&rig.board.header->tables, 1);
	ck_assert_ptr_null(table_now(&rig.gateway));
	answer(core_is_asked(), FAULT_SUCCESS, TABLE(1, ""));
	ck_assert_uint_eq(table_now(&rig.gateway)->count, 0);
	ck_assert_uint_eq(last->count, 4); /* it was kept */
}
END_TEST

/* It changes while it is asked for. */
START_TEST(one_that_is_old_when_it_comes_is_asked_for_again_but_not_forever)
{
	uint64_t number;
	unsigned asked = 0;

	atomic_fetch_add(&rig.board.header->tables, 1);
	wait_with(here);
	while ((number = core_is_asked()) > 0) {
		answer(number, FAULT_SUCCESS, TABLE(0, ROWS));
		asked++;
	}
	ck_assert_uint_gt(asked, 1);
	ck_assert_uint_eq(told, 3);
	ck_assert_uint_eq(last->count, 4);
}
END_TEST

START_TEST(where_it_cannot_be_had_waiters_are_told)
{
	uint64_t number;

	wait_with(here);
	answer(core_is_asked(), FAULT_FAILED, NULL);
	ck_assert_uint_eq(told, 3);
	ck_assert_ptr_null(last);
	wait_with(here);
	while ((number = core_is_asked()) > 0)
		answer(number, FAULT_SUCCESS, "nonsense");
	ck_assert_uint_eq(told, 6);
	ck_assert_ptr_null(last);
}
END_TEST

START_TEST(where_it_cannot_be_asked_for_waiters_are_told_later)
{
	struct message_request request = { .kind = REQUEST_START };

	for (int i = 0; i < REQUESTS_MAX; i++)
		ck_assert_int_eq(request_send(&rig.gateway, &request, NULL, 0, NULL, NULL, NULL), 0);
	wait_with(here);
	ck_assert_uint_eq(told, 0);
	rig_run(&rig);
	ck_assert_uint_eq(told, 3);
}
END_TEST

START_TEST(waiters_may_stop_others_and_wait_again)
{
	wait_with(here_and_none_else);
	answer(core_is_asked(), FAULT_SUCCESS, TABLE(0, ""));
	ck_assert_uint_eq(told, 1);
	wait_with(here_and_once_more);
	answer(core_is_asked(), FAULT_SUCCESS, TABLE(0, ""));
	ck_assert_uint_eq(told, 4);
	ck_assert_uint_ne(core_is_asked(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gateway_table");
	TCase *texts = leakproof_case("texts"), *kept = leakproof_case("kept");

	tcase_add_test(texts, settings_say_whom_to_serve);
	tcase_add_test(texts, settings_that_make_no_sense_are_refused);
	tcase_add_test(texts, a_table_keeps_the_order_of_starts_and_finds_by_name);
	tcase_add_test(texts, a_table_that_makes_no_sense_is_refused);
	suite_add_tcase(suite, texts);
	tcase_add_checked_fixture(kept, start, end);
	tcase_add_test(kept, it_is_asked_for_once_and_again_when_it_is_old);
	tcase_add_test(kept, one_that_is_old_when_it_comes_is_asked_for_again_but_not_forever);
	tcase_add_test(kept, where_it_cannot_be_had_waiters_are_told);
	tcase_add_test(kept, where_it_cannot_be_asked_for_waiters_are_told_later);
	tcase_add_test(kept, waiters_may_stop_others_and_wait_again);
	suite_add_tcase(suite, kept);
	return run_suite(suite);
}
