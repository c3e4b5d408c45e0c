/* What the gateway asks is answered once, whoever dies meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "reeve/channel.h"
#include "support/gateway_rig.h"
#include "support/harness.h"

/* More than a channel has room for. */
#define MANY 5000

static struct gateway_rig rig;

static void start(void)
{
	rig_start(&rig);
}

static void end(void)
{
	rig_end(&rig);
}

/* ---- requests ---- */

static unsigned answers;
static int last_fault;
static char last_text[REPLY_TEXT_SIZE], last_bytes[64];
static size_t last_size;

static void answered(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	answers++;
	last_fault = reply->fault;
	last_size = size;
	snprintf(last_text, sizeof last_text, "%s", reply->text);
	snprintf(last_bytes, sizeof last_bytes, "%.*s", (int)size, bytes ? bytes : "");
	if (data)
		*(unsigned *)data = answers;
}

static struct request *ask(uint32_t kind, const char *name, const char *bytes)
{
	struct message_request message = { .kind = kind, .value = 7, .wait = 1, .group = "g" };
	struct request *request = NULL;

	snprintf(message.name, sizeof message.name, "%s", name);
	ck_assert_int_eq(request_send(&rig.gateway, &message, bytes, bytes ? strlen(bytes) : 0, answered,
				 NULL, &request),
		0);
	return request;
}

/* What the core gets next; its number, or 0: nothing. */
static uint64_t core_gets(const char *name, bool again)
{
	union message message;
	int fd;

	if (rig_receive(rig.core, &message, &fd) != MESSAGE_REQUEST)
		return 0;
	if (fd >= 0)
		close(fd);
	ck_assert_str_eq(message.request.name, name);
	ck_assert_int_eq(message.request.again, again);
	return message.request.number;
}

static void reply(uint64_t number, int fault, const char *text, int fd)
{
	struct message_reply message = { .type = MESSAGE_REPLY, .fault = fault, .number = number };

	snprintf(message.text, sizeof message.text, "%s", text);
	rig_send(&rig, rig.core, &message, fd);
	if (fd >= 0)
		close(fd);
}

START_TEST(a_request_is_told_whole_and_its_answer_too)
{
	union message message;
	char bytes[8] = "";
	int fd;

	ask(REQUEST_STDIN, "x", "data");
	ck_assert_uint_eq(rig_receive(rig.core, &message, &fd), MESSAGE_REQUEST);
	ck_assert_uint_eq(message.request.kind, REQUEST_STDIN);
	ck_assert_int_eq(message.request.value, 7);
	ck_assert_int_eq(message.request.wait, 1);
	ck_assert_int_eq(message.request.again, 0);
	ck_assert_str_eq(message.request.group, "g");
	ck_assert_str_eq(message.request.name, "x");
	ck_assert_int_eq(pread(fd, bytes, sizeof bytes, 0), 4);
	ck_assert_str_eq(bytes, "data");
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE, F_SEAL_WRITE);
	close(fd);
	reply(message.request.number, FAULT_NO_FILE, "x", rig_memory("more"));
	ck_assert_uint_eq(answers, 1);
	ck_assert_int_eq(last_fault, FAULT_NO_FILE);
	ck_assert_str_eq(last_text, "x");
	ck_assert_str_eq(last_bytes, "more");
}
END_TEST

START_TEST(what_the_core_has_no_room_for_waits_and_keeps_its_order)
{
	unsigned got = 0;

	for (int i = 0; i < MANY; i++)
		ask(REQUEST_START, "x", NULL);
	while (got < MANY) {
		uint64_t number = core_gets("x", false);

		if (number == 0) {
			ck_assert_int_gt(reeve_loop_run_once(rig.gateway.loop, 0), 0);
			continue;
		}
		ck_assert_uint_eq(number, ++got);
		reply(number, FAULT_SUCCESS, "", -1);
	}
	ck_assert_uint_eq(answers, MANY);
}
END_TEST

START_TEST(a_new_core_is_asked_what_has_no_answer_and_nothing_else)
{
	uint64_t a, b;

	ask(REQUEST_START, "a", NULL);
	ask(REQUEST_START, "b", NULL);
	ask(REQUEST_START, "c", NULL);
	a = core_gets("a", false);
	b = core_gets("b", false);
	reply(b, FAULT_SUCCESS, "", -1);
	rig_replace(&rig, ROLE_CORE);
	ck_assert_uint_eq(core_gets("a", true), a);
	core_gets("c", true);
	ck_assert_uint_eq(core_gets("", false), 0);
	reply(a, FAULT_SUCCESS, "", -1);
	ck_assert_uint_eq(answers, 2);
}
END_TEST

/* The answer was on its way when the core died. */
START_TEST(what_the_old_core_still_said_counts)
{
	struct message_reply message = { .type = MESSAGE_REPLY, .fault = FAULT_SUCCESS };
	struct message_peer changed = { .type = MESSAGE_PEER_CHANGED, .role = ROLE_CORE };
	int ends[2];

	ask(REQUEST_START, "a", NULL);
	message.number = core_gets("a", false);
	ck_assert_int_eq(reeve_channel_pair(ends), 0);
	ck_assert_int_eq(reeve_channel_send(rig.core, &message, sizeof message, NULL, 0, 0), 0);
	close(rig.core);
	rig.core = ends[0];
	rig_send(&rig, rig.keeper, &changed, ends[1]);
	close(ends[1]);
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(core_gets("", false), 0);
}
END_TEST

START_TEST(while_there_is_no_core_requests_wait)
{
	close(rig.core);
	rig.core = -1;
	rig_run(&rig);
	ask(REQUEST_STDIN, "a", "data");
	rig_run(&rig);
	ck_assert_uint_eq(answers, 0);
	rig_replace(&rig, ROLE_CORE);
	reply(core_gets("a", false), FAULT_SUCCESS, "", -1);
	ck_assert_uint_eq(answers, 1);
}
END_TEST

START_TEST(data_goes_to_each_core)
{
	union message message;
	int fd;

	ask(REQUEST_STDIN, "a", "data");
	for (int core = 0; core < 3; core++) {
		ck_assert_uint_eq(rig_receive(rig.core, &message, &fd), MESSAGE_REQUEST);
		ck_assert_int_eq(lseek(fd, 0, SEEK_END), 4);
		close(fd);
		rig_replace(&rig, ROLE_CORE);
	}
}
END_TEST

START_TEST(who_has_gone_is_not_called)
{
	struct request *request = ask(REQUEST_START, "a", NULL);

	request_cancel(request);
	reply(core_gets("a", false), FAULT_SUCCESS, "", -1);
	ck_assert_uint_eq(answers, 0);
}
END_TEST

START_TEST(answers_to_nothing_change_nothing)
{
	uint64_t number;

	reply(1, FAULT_SUCCESS, "", rig_memory("?"));
	ask(REQUEST_START, "a", NULL);
	number = core_gets("a", false);
	reply(number + 1024, FAULT_SUCCESS, "", -1);
	reply(number, FAULT_SUCCESS, "", -1);
	reply(number, FAULT_SUCCESS, "", -1);
	ck_assert_uint_eq(answers, 1);
}
END_TEST

/* A data descriptor that could be cut under our hands, or that is none. */
START_TEST(data_that_cannot_be_trusted_is_none)
{
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(write(fd, "data", 4), 4);
	ask(REQUEST_TABLE, "a", NULL);
	reply(core_gets("a", false), FAULT_SUCCESS, "", fd);
	ck_assert_uint_eq(last_size, 0);
	ask(REQUEST_TABLE, "b", NULL);
	reply(core_gets("b", false), FAULT_SUCCESS, "", open("/dev/null", O_RDONLY));
	ck_assert_uint_eq(last_size, 0);
	ck_assert_uint_eq(answers, 2);
}
END_TEST

START_TEST(there_is_an_end_to_what_is_kept)
{
	struct message_request message = { .kind = REQUEST_STDIN };
	static char one[1];

	for (int i = 0; i < REQUESTS_WITH_DATA_MAX; i++)
		ask(REQUEST_STDIN, "a", "data");
	ck_assert_int_eq(request_send(&rig.gateway, &message, one, 1, answered, NULL, NULL), -EBUSY);
	ck_assert_int_eq(request_send(&rig.gateway, &message, one, REQUEST_DATA_MAX + 1, answered, NULL,
				 NULL),
		-EMSGSIZE);
	for (int i = REQUESTS_WITH_DATA_MAX; i < REQUESTS_MAX; i++)
		ask(REQUEST_START, "a", NULL);
	ck_assert_int_eq(request_send(&rig.gateway, &message, NULL, 0, answered, NULL, NULL), -EBUSY);
}
END_TEST

START_TEST(what_is_not_for_it_is_dropped)
{
	const struct message_plain changed = { .type = MESSAGE_CHANGED };
	const struct message_log_file file = { .type = MESSAGE_LOG_FILE };
	const struct message_plain ready = { .type = MESSAGE_READY };
	struct message_peer peer = { .type = MESSAGE_PEER_CHANGED, .role = ROLE_GATEWAY };

	ck_assert_int_eq(reeve_channel_send(rig.core, "?", 1, NULL, 0, 0), 0);
	rig_send(&rig, rig.core, &file, -1);
	rig_send(&rig, rig.core, &ready, -1);
	rig_send(&rig, rig.scribe, &changed, -1);
	rig_send(&rig, rig.scribe, &file, 0);
	rig_send(&rig, rig.keeper, &ready, -1);
	rig_send(&rig, rig.keeper, &peer, 0);
	ask(REQUEST_START, "a", NULL);
	reply(core_gets("a", false), FAULT_SUCCESS, "", -1);
	ck_assert_uint_eq(answers, 1);
}
END_TEST

START_TEST(when_the_keeper_says_so_it_ends_with_what_was_still_answered)
{
	struct message_reply message = { .type = MESSAGE_REPLY, .fault = FAULT_SUCCESS };

	ask(REQUEST_SHUTDOWN, "", NULL);
	message.number = core_gets("", false);
	ck_assert_int_eq(reeve_channel_send(rig.core, &message, sizeof message, NULL, 0, 0), 0);
	close(rig.core);
	close(rig.keeper);
	rig.core = rig.keeper = -1;
	ck_assert_int_eq(gateway_run(&rig.gateway), 0);
	ck_assert_uint_eq(answers, 1);
}
END_TEST

/* ---- logs ---- */

static unsigned files;
static int last_file;

static void have_file(void *data, int fd)
{
	files++;
	last_file = fd;
	if (fd >= 0)
		close(fd);
}

static struct log_ask *ask_log(uint32_t stream)
{
	struct log_ask *ask_made = NULL;

	ck_assert_int_eq(log_file_ask(&rig.gateway, stream, have_file, NULL, &ask_made), 0);
	return ask_made;
}

/* The number of what the scribe gets next; 0: nothing. */
static uint64_t scribe_gets(uint32_t stream)
{
	union message message;

	if (rig_receive(rig.scribe, &message, NULL) != MESSAGE_LOG_READ)
		return 0;
	ck_assert_uint_eq(message.log_read.stream, stream);
	return message.log_read.number;
}

static void answer_file(uint64_t number, int error, int fd)
{
	struct message_log_file message = { .type = MESSAGE_LOG_FILE, .error = error, .number = number };

	rig_send(&rig, rig.scribe, &message, fd);
}

START_TEST(a_log_file_comes_or_why_it_does_not)
{
	ask_log(STREAM_SELF);
	answer_file(scribe_gets(STREAM_SELF), 0, 0);
	ck_assert_uint_eq(files, 1);
	ck_assert_int_ge(last_file, 0);
	ask_log(3);
	answer_file(scribe_gets(3), -EACCES, -1);
	ck_assert_int_eq(last_file, -EACCES);
	ask_log(4);
	answer_file(scribe_gets(4), 0, -1); /* which makes no sense */
	ck_assert_int_eq(last_file, -ENOENT);
	log_file_cancel(ask_log(5));
	answer_file(scribe_gets(5), 0, 0);
	answer_file(77, 0, 0);
	ck_assert_uint_eq(files, 3);
}
END_TEST

START_TEST(the_scribe_is_asked_little_at_a_time_and_a_new_one_again)
{
	unsigned asked = 0;
	uint64_t number = 0;

	for (int i = 0; i < LOG_ASKS_MAX; i++)
		ask_log(1);
	ck_assert_int_eq(log_file_ask(&rig.gateway, 1, have_file, NULL, NULL), -EBUSY);
	while (scribe_gets(1) > 0)
		asked++;
	ck_assert_uint_lt(asked, LOG_ASKS_MAX);
	rig_replace(&rig, ROLE_SCRIBE);
	for (asked = 0; (number = scribe_gets(1)) > 0; asked++) {
		ck_assert_uint_eq(number, asked + 1);
		answer_file(number, -ENOENT, -1);
	}
	ck_assert_uint_eq(asked, LOG_ASKS_MAX);
	ck_assert_uint_eq(files, LOG_ASKS_MAX);
}
END_TEST

/* ---- watching ---- */

static unsigned changes;
static struct watcher watchers[3];

static void changed(struct watcher *watcher)
{
	changes++;
}

/* The first that is told ends all. */
static void changed_and_end_all(struct watcher *watcher)
{
	changes++;
	for (int i = 0; i < 3; i++)
		watch_end(&rig.gateway, &watchers[i]);
}

static int core_is_told(void)
{
	union message message;

	return rig_receive(rig.core, &message, NULL) == MESSAGE_WATCH ? (int)message.watch.on : -1;
}

START_TEST(the_core_tells_of_changes_while_somebody_wants_to_know)
{
	const struct message_plain message = { .type = MESSAGE_CHANGED };

	for (int i = 0; i < 3; i++) {
		watchers[i].changed = changed;
		watch_begin(&rig.gateway, &watchers[i]);
	}
	ck_assert_int_eq(core_is_told(), 1);
	ck_assert_int_eq(core_is_told(), -1);
	rig_send(&rig, rig.core, &message, -1);
	ck_assert_uint_eq(changes, 3);
	rig_replace(&rig, ROLE_CORE);
	ck_assert_uint_eq(changes, 6);
	ck_assert_int_eq(core_is_told(), 1);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(core_is_told(), -1);
		watch_end(&rig.gateway, &watchers[i]);
	}
	ck_assert_int_eq(core_is_told(), 0);
	rig_send(&rig, rig.core, &message, -1);
	ck_assert_uint_eq(changes, 6);
}
END_TEST

START_TEST(a_watcher_may_end_all_of_them)
{
	const struct message_plain message = { .type = MESSAGE_CHANGED };

	for (int i = 0; i < 3; i++) {
		watchers[i].changed = changed_and_end_all;
		watch_begin(&rig.gateway, &watchers[i]);
	}
	rig_send(&rig, rig.core, &message, -1);
	ck_assert_uint_eq(changes, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gateway_mail");
	TCase *requests = leakproof_case("requests"), *logs = leakproof_case("logs"),
	      *watching = leakproof_case("watching");

	tcase_add_checked_fixture(requests, start, end);
	tcase_add_test(requests, a_request_is_told_whole_and_its_answer_too);
	tcase_add_test(requests, what_the_core_has_no_room_for_waits_and_keeps_its_order);
	tcase_add_test(requests, a_new_core_is_asked_what_has_no_answer_and_nothing_else);
	tcase_add_test(requests, what_the_old_core_still_said_counts);
	tcase_add_test(requests, while_there_is_no_core_requests_wait);
	tcase_add_test(requests, data_goes_to_each_core);
	tcase_add_test(requests, who_has_gone_is_not_called);
	tcase_add_test(requests, answers_to_nothing_change_nothing);
	tcase_add_test(requests, data_that_cannot_be_trusted_is_none);
	tcase_add_test(requests, there_is_an_end_to_what_is_kept);
	tcase_add_test(requests, what_is_not_for_it_is_dropped);
	tcase_add_test(requests, when_the_keeper_says_so_it_ends_with_what_was_still_answered);
	suite_add_tcase(suite, requests);
	tcase_add_checked_fixture(logs, start, end);
	tcase_add_test(logs, a_log_file_comes_or_why_it_does_not);
	tcase_add_test(logs, the_scribe_is_asked_little_at_a_time_and_a_new_one_again);
	suite_add_tcase(suite, logs);
	tcase_add_checked_fixture(watching, start, end);
	tcase_add_test(watching, the_core_tells_of_changes_while_somebody_wants_to_know);
	tcase_add_test(watching, a_watcher_may_end_all_of_them);
	suite_add_tcase(suite, watching);
	return run_suite(suite);
}
