#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "board/messages.h"
#include "support/harness.h"

static const size_t sizes[] = {
#define ROW(name, type, fds_min, fds_max) [MESSAGE_##name] = sizeof(struct type),
	MESSAGES(ROW)
#undef ROW
};

static union message message;

START_TEST(a_message_of_its_size_and_no_other_is_accepted)
{
	for (uint32_t type = MESSAGE_NONE + 1; type < MESSAGE_TYPES; type++) {
		if (type == MESSAGE_LOG_OPEN)
			continue;
		for (size_t size = 0; size <= sizeof message; size++) {
			int right = 0;

			memset(&message, 0, sizeof message);
			message.type = type;
			if (type == MESSAGE_REQUEST)
				message.request.kind = REQUEST_NONE + 1;
			if (type == MESSAGE_REPLY)
				message.reply.fault = FAULT_SUCCESS;
			for (unsigned fds = 0; fds <= 4; fds++)
				right += message_check(&message, size, fds) == (int)type;
			ck_assert_msg((right > 0) == (size == sizes[type]), "%s of %zu bytes",
				message_name(type), size);
			ck_assert_int_le(right, 2);
		}
		ck_assert_uint_eq(message_size(&message), sizes[type]);
	}
}
END_TEST

START_TEST(a_request_names_what_it_wants_and_ends_its_names)
{
	struct message_request *request = &message.request;

	memset(&message, 0, sizeof message);
	*request = (struct message_request){ .type = MESSAGE_REQUEST, .kind = REQUEST_START };
	ck_assert_int_eq(message_check(&message, sizeof *request, 0), MESSAGE_REQUEST);
	request->kind = REQUEST_NONE;
	ck_assert_int_eq(message_check(&message, sizeof *request, 0), -EBADMSG);
	request->kind = REQUEST_KINDS;
	ck_assert_int_eq(message_check(&message, sizeof *request, 0), -EBADMSG);
	request->kind = REQUEST_STOP;
	memset(request->group, 'x', sizeof request->group);
	ck_assert_int_eq(message_check(&message, sizeof *request, 0), -EBADMSG);
	request->group[sizeof request->group - 1] = '\0';
	ck_assert_int_eq(message_check(&message, sizeof *request, 0), MESSAGE_REQUEST);
	memset(request->name, 'x', sizeof request->name);
	ck_assert_int_eq(message_check(&message, sizeof *request, 0), -EBADMSG);
}
END_TEST

START_TEST(a_reply_has_a_fault_of_the_api)
{
	struct message_reply *reply = &message.reply;

	memset(&message, 0, sizeof message);
	reply->type = MESSAGE_REPLY;
	for (int fault = -1; fault < 200; fault++) {
		reply->fault = fault;
		ck_assert_int_eq(message_check(&message, sizeof *reply, 0),
			fault_name(fault) ? MESSAGE_REPLY : -EBADMSG);
	}
	reply->fault = FAULT_BAD_NAME;
	ck_assert_str_eq(fault_name(reply->fault), "BAD_NAME");
	memset(reply->text, 'x', sizeof reply->text);
	ck_assert_int_eq(message_check(&message, sizeof *reply, 0), -EBADMSG);
}
END_TEST

START_TEST(what_is_no_type_is_refused)
{
	message.type = MESSAGE_NONE;
	ck_assert_int_eq(message_check(&message, sizeof message, 0), -EBADMSG);
	message.type = MESSAGE_TYPES;
	ck_assert_int_eq(message_check(&message, sizeof message, 0), -EBADMSG);
	ck_assert_str_eq(message_name(MESSAGE_TYPES), "unknown");
	ck_assert_str_eq(message_name(UINT32_MAX), "unknown");
}
END_TEST

START_TEST(a_log_message_ends_with_its_path)
{
	size_t size;

	memset(&message, 0, sizeof message);
	message.type = MESSAGE_LOG_OPEN;
	snprintf(message.log_open.path, sizeof message.log_open.path, "/var/log/x");
	size = message_size(&message);
	ck_assert_int_eq(message_check(&message, size, 1), MESSAGE_LOG_OPEN);
	ck_assert_int_eq(message_check(&message, size, 0), MESSAGE_LOG_OPEN);
	ck_assert_int_eq(message_check(&message, size, 2), -EBADMSG);
	for (size_t other = 0; other <= sizeof message; other++)
		if (other != size)
			ck_assert_int_eq(message_check(&message, other, 1), -EBADMSG);
	memset(message.log_open.name, 'n', sizeof message.log_open.name);
	ck_assert_int_eq(message_check(&message, size, 1), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("messages");
	TCase *tcase = leakproof_case("messages");

	tcase_add_test(tcase, a_message_of_its_size_and_no_other_is_accepted);
	tcase_add_test(tcase, a_request_names_what_it_wants_and_ends_its_names);
	tcase_add_test(tcase, a_reply_has_a_fault_of_the_api);
	tcase_add_test(tcase, what_is_no_type_is_refused);
	tcase_add_test(tcase, a_log_message_ends_with_its_path);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
