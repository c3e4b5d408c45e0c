/* XML-RPC documents, read and written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/harness.h"
#include "text/pile.h"
#include "text/xmlrpc.h"
#include "text/xmlrpc_scalar.h"
#include "text/xmlrpc_write.h"

static struct xmlrpc_reader *reader;
static struct xmlrpc_document document;
static struct buffer buffer = BUFFER(SIZE_MAX / 2);

static void setup(void)
{
	reader = xmlrpc_reader_new();
	ck_assert_ptr_nonnull(reader);
}

static void teardown(void)
{
	reader = xmlrpc_reader_free(reader);
	buffer_deinit(&buffer);
}

static int read_text(const char *text)
{
	return xmlrpc_read(reader, text, strlen(text), &document);
}

#define CALL(params)                                                                               \
	"<?xml version='1.0'?>\n<methodCall><methodName>a.b</methodName><params>" params           \
	"</params></methodCall>"
#define PARAM(value) "<param><value>" value "</value></param>\n"

START_TEST(a_call_has_its_method_and_its_parameters_in_order)
{
	const struct xmlrpc_value *value;

	ck_assert_int_eq(read_text(CALL(PARAM("<string>web</string>") PARAM("<int>-7</int>")
				     PARAM("<boolean>1</boolean>") PARAM("<double>2.5</double>"))),
		0);
	ck_assert_int_eq(document.kind, XMLRPC_CALL);
	ck_assert_str_eq(document.method, "a.b");
	ck_assert_uint_eq(document.count, 4);
	value = document.values;
	ck_assert_int_eq(value->kind, XMLRPC_STRING);
	ck_assert_str_eq(value->text, "web");
	ck_assert_uint_eq(value->length, 3);
	value = value->next;
	ck_assert_int_eq(value->kind, XMLRPC_INT);
	ck_assert_int_eq(value->integer, -7);
	value = value->next;
	ck_assert_int_eq(value->kind, XMLRPC_BOOLEAN);
	ck_assert_int_eq(value->integer, 1);
	value = value->next;
	ck_assert_int_eq(value->kind, XMLRPC_DOUBLE);
	ck_assert_double_eq(value->real, 2.5);
	ck_assert_ptr_null(value->next);
}
END_TEST

START_TEST(a_value_without_a_type_is_a_string)
{
	ck_assert_int_eq(read_text(CALL(PARAM(" x &amp; &#233; ") PARAM(""))), 0);
	ck_assert_str_eq(document.values->text, " x & \xc3\xa9 ");
	ck_assert_int_eq(document.values->next->kind, XMLRPC_STRING);
	ck_assert_str_eq(document.values->next->text, "");
}
END_TEST

START_TEST(base64_is_decoded_into_a_string)
{
	ck_assert_int_eq(read_text(CALL(PARAM("<base64>\n aGEAbG8=\n</base64>"))), 0);
	ck_assert_int_eq(document.values->kind, XMLRPC_STRING);
	ck_assert_uint_eq(document.values->length, 5);
	ck_assert_mem_eq(document.values->text, "ha\0lo", 6);
}
END_TEST

START_TEST(arrays_and_structs_are_trees)
{
	const struct xmlrpc_value *call, *params;

	ck_assert_int_eq(
		read_text(CALL(PARAM("<array><data><value><struct>"
				     "<member><name>methodName</name><value>x.y</value></member>\n"
				     "<member><name>params</name><value><array><data><value><i4>1</i4></value>"
				     "<value><array><data/></array></value></data></array></value></member>"
				     "</struct></value><value>2</value></data></array>"))),
		0);
	ck_assert_uint_eq(document.count, 1);
	ck_assert_int_eq(document.values->kind, XMLRPC_ARRAY);
	ck_assert_uint_eq(document.values->count, 2);
	call = document.values->first;
	ck_assert_int_eq(call->kind, XMLRPC_STRUCT);
	ck_assert_uint_eq(call->count, 2);
	ck_assert_str_eq(xmlrpc_member(call, "methodName")->text, "x.y");
	ck_assert_ptr_null(xmlrpc_member(call, "method"));
	params = xmlrpc_member(call, "params");
	ck_assert_uint_eq(params->count, 2);
	ck_assert_int_eq(params->first->integer, 1);
	ck_assert_int_eq(params->first->next->kind, XMLRPC_ARRAY);
	ck_assert_uint_eq(params->first->next->count, 0);
	ck_assert_ptr_null(params->first->next->first);
	ck_assert_str_eq(call->next->text, "2");
	ck_assert_ptr_null(xmlrpc_member(params, "methodName"));
}
END_TEST

START_TEST(a_call_needs_no_parameters_and_may_name_no_method)
{
	ck_assert_int_eq(read_text("<methodCall><methodName/></methodCall>"), 0);
	ck_assert_str_eq(document.method, "");
	ck_assert_uint_eq(document.count, 0);
	ck_assert_int_eq(read_text("<methodCall><params/></methodCall>"), -EBADMSG);
}
END_TEST

START_TEST(an_answer_and_a_fault_are_told_apart)
{
	xmlrpc_answer_begin(&buffer);
	xmlrpc_add_boolean(&buffer, true);
	xmlrpc_answer_end(&buffer);
	ck_assert_int_eq(xmlrpc_read(reader, buffer.data, buffer.length, &document), 0);
	ck_assert_int_eq(document.kind, XMLRPC_ANSWER);
	ck_assert_int_eq(document.values->integer, 1);
	buffer_clear(&buffer);
	xmlrpc_answer_fault(&buffer, 10, "BAD_NAME: x<y");
	ck_assert_int_eq(xmlrpc_read(reader, buffer.data, buffer.length, &document), 0);
	ck_assert_int_eq(document.kind, XMLRPC_FAULT);
	ck_assert_int_eq(xmlrpc_member(document.values, "faultCode")->integer, 10);
	ck_assert_str_eq(xmlrpc_member(document.values, "faultString")->text, "BAD_NAME: x<y");
}
END_TEST

START_TEST(answers_alone_may_have_i8_and_nil)
{
	ck_assert_int_eq(
		read_text("<methodResponse><params><param><value><array><data><value><nil/></value><value>"
			  "<i8>5000000000</i8></value></data></array></value></param></params></methodResponse>"),
		0);
	ck_assert_int_eq(document.values->first->kind, XMLRPC_NIL);
	ck_assert_int_eq(document.values->first->next->integer, 5000000000);
	ck_assert_int_eq(read_text(CALL(PARAM("<nil/>"))), -EBADMSG);
	ck_assert_int_eq(read_text(CALL(PARAM("<i8>1</i8>"))), -EBADMSG);
}
END_TEST

static const char *const refused[] = {
	"",
	"nonsense",
	"<a/>",
	"<methodCall/>",
	"<methodCall><methodName>x</methodName>",
	"<methodCall><methodName>x</methodName></methodCall><methodCall/>",
	"<methodCall><methodName>x</methodName><methodName>y</methodName></methodCall>",
	"<methodCall><methodName>x<b/></methodName></methodCall>",
	"<methodCall><methodName>x</methodName><fault/></methodCall>",
	"<value><string>x</string></value>",
	"<methodResponse></methodResponse>",
	"<methodResponse><params></params></methodResponse>",
	"<methodResponse><params><param><value>1</value></param><param><value>2</value></param></params></methodResponse>",
	"<methodResponse><fault></fault></methodResponse>",
	CALL("<value>1</value>"),
	CALL("<param></param>"),
	CALL("<param><value>1</value><value>2</value></param>"),
	CALL(PARAM("<int>1</int><int>2</int>")),
	CALL(PARAM("<int></int>")),
	CALL(PARAM("<int>1x</int>")),
	CALL(PARAM("<int>0x10</int>")),
	CALL(PARAM("<int>99999999999999999999</int>")),
	CALL(PARAM("<double>nan</double>")),
	CALL(PARAM("<double>1,5</double>")),
	CALL(PARAM("<base64>!</base64>")),
	CALL(PARAM("<base64>abc</base64>")),
	CALL(PARAM("<dateTime.iso8601>yesterday</dateTime.iso8601>")),
	CALL(PARAM("<array></array>")),
	CALL(PARAM("<array><value>1</value></array>")),
	CALL(PARAM("<array><data></data><data></data></array>")),
	CALL(PARAM("<struct><value>1</value></struct>")),
	CALL(PARAM("<struct><member><name>a</name></member></struct>")),
	CALL(PARAM("<struct><member><value>1</value><name>a</name></member></struct>")),
	CALL(PARAM("<struct><member><name>a</name><value>1</value><value>2</value></member></struct>")),
	CALL(PARAM("<unknown>1</unknown>")),
	CALL(PARAM("&e;")),
	"<!DOCTYPE x><methodCall><methodName>x</methodName></methodCall>",
	"<!DOCTYPE x [<!ENTITY e 'eeee'>]><methodCall><methodName>&e;</methodName></methodCall>",
};

START_TEST(what_is_no_xmlrpc_is_refused)
{
	struct xmlrpc_document before = { .method = "untouched" };

	document = before;
	ck_assert_msg(read_text(refused[_i]) == -EBADMSG, "%s", refused[_i]);
	ck_assert_str_eq(document.method, "untouched");
	ck_assert_int_eq(read_text(CALL(PARAM("still fine"))), 0);
}
END_TEST

/* `open` so many times, then `close` as often. */
static int read_nested(const char *open, const char *close, size_t count)
{
	buffer_clear(&buffer);
	buffer_add_text(&buffer, "<methodCall><methodName>x</methodName><params><param>");
	for (size_t i = 0; i < count; i++)
		buffer_add_text(&buffer, open);
	for (size_t i = 0; i < count; i++)
		buffer_add_text(&buffer, close);
	buffer_add_text(&buffer, "</param></params></methodCall>");
	return xmlrpc_read(reader, buffer.data, buffer.length, &document);
}

START_TEST(depth_and_number_are_capped)
{
	ck_assert_int_eq(read_nested("<value><array><data>", "</data></array></value>", 20), 0);
	ck_assert_int_eq(read_nested("<value><array><data>", "</data></array></value>", 21), -E2BIG);
	ck_assert_int_eq(read_nested("<value><array><data>", "</data></array></value>", 100000), -E2BIG);
	buffer_clear(&buffer);
	buffer_add_text(&buffer, "<methodCall><methodName>x</methodName><params><param><value><array><data>");
	for (size_t i = 0; i <= XMLRPC_VALUES_MAX; i++)
		buffer_add_text(&buffer, "<value/>");
	buffer_add_text(&buffer, "</data></array></value></param></params></methodCall>");
	ck_assert_int_eq(xmlrpc_read(reader, buffer.data, buffer.length, &document), -E2BIG);
}
END_TEST

static const struct {
	const char *bytes;
	size_t length;
	const char *written;
} strings[] = {
#define BYTES(text) text, sizeof(text) - 1
	{ BYTES(""), "" },
	{ BYTES("plain\ttext\n"), "plain\ttext\n" },
	{ BYTES("<a> & 'b' \"c\""), "&lt;a&gt; &amp; 'b' \"c\"" },
	{ BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ BYTES("a\rb\r\n"), "a&#13;b&#13;\n" },
	{ BYTES("\x01|\0|\x1b[0m|\x7f"), "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd[0m|\x7f" },
	{ BYTES("\xff|\xc3|\xe2\x82|\xed\xa0\x80"),
		"\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ BYTES("\xc3"), "\xef\xbf\xbd" },
	{ BYTES("\xef\xbf\xbe\xef\xbf\xbf"), "\xef\xbf\xbd\xef\xbf\xbd" },
};

START_TEST(a_string_is_written_so_that_it_can_be_read)
{
	xmlrpc_escape(&buffer, strings[_i].bytes, strings[_i].length);
	ck_assert_str_eq(buffer_text(&buffer), strings[_i].written);
	buffer_clear(&buffer);
	xmlrpc_answer_begin(&buffer);
	xmlrpc_add_bytes(&buffer, strings[_i].bytes, strings[_i].length);
	xmlrpc_answer_end(&buffer);
	ck_assert_int_eq(xmlrpc_read(reader, buffer.data, buffer.length, &document), 0);
}
END_TEST

/* Wherever it is cut, also inside a character. */
START_TEST(text_in_blocks_is_written_as_in_one)
{
	size_t length = strings[_i].length;

	for (size_t cut = 0; cut <= length; cut++) {
		size_t taken;

		buffer_clear(&buffer);
		taken = xmlrpc_escape_some(&buffer, strings[_i].bytes, cut);
		ck_assert_uint_le(taken, cut);
		ck_assert_uint_ge(taken + 3, cut);
		xmlrpc_escape(&buffer, strings[_i].bytes + taken, length - taken);
		ck_assert_str_eq(buffer_text(&buffer), strings[_i].written);
	}
}
END_TEST

START_TEST(an_answer_has_the_form_of_the_original)
{
	xmlrpc_answer_begin(&buffer);
	xmlrpc_struct_begin(&buffer);
	xmlrpc_member_begin(&buffer, "pid");
	xmlrpc_add_int(&buffer, -9223372036854775807 - 1);
	xmlrpc_member_end(&buffer);
	xmlrpc_member_begin(&buffer, "list");
	xmlrpc_array_begin(&buffer);
	xmlrpc_add_boolean(&buffer, false);
	xmlrpc_add_string(&buffer, "x");
	xmlrpc_array_end(&buffer);
	xmlrpc_member_end(&buffer);
	xmlrpc_struct_end(&buffer);
	xmlrpc_answer_end(&buffer);
	ck_assert_str_eq(buffer_text(&buffer),
		"<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n"
		"<member>\n<name>pid</name>\n<value><int>-9223372036854775808</int></value>\n</member>\n"
		"<member>\n<name>list</name>\n<value><array><data>\n<value><boolean>0</boolean></value>\n"
		"<value><string>x</string></value>\n</data></array></value>\n</member>\n"
		"</struct></value>\n</param>\n</params>\n</methodResponse>\n");
	ck_assert_int_eq(xmlrpc_read(reader, buffer.data, buffer.length, &document), 0);
	ck_assert_int_eq(xmlrpc_member(document.values, "pid")->integer, INT64_MIN);
}
END_TEST

START_TEST(a_date_has_one_form)
{
	ck_assert(xmlrpc_is_datetime("20261122T13:45:07", 17));
	ck_assert(!xmlrpc_is_datetime("20261122T13:45:0", 16));
	ck_assert(!xmlrpc_is_datetime("20261122 13:45:07", 17));
	ck_assert(!xmlrpc_is_datetime("2026112xT13:45:07", 17));
}
END_TEST

START_TEST(a_pile_is_used_again)
{
	struct pile pile = { 0 };
	void *first = pile_take(&pile, 100);

	ck_assert_ptr_nonnull(first);
	for (int i = 0; i < 1000; i++) {
		unsigned char *memory = pile_take(&pile, (size_t)i * 7);

		ck_assert_ptr_nonnull(memory);
		ck_assert_uint_eq((uintptr_t)memory % 16, 0);
		memset(memory, i, (size_t)i * 7);
	}
	pile_clear(&pile);
	ck_assert_ptr_eq(pile_take(&pile, 50), first);
	pile_clear(&pile);
	ck_assert_ptr_nonnull(pile_take(&pile, 1 << 20));
	ck_assert_ptr_null(pile_take(&pile, SIZE_MAX - 8));
	pile_deinit(&pile);
	pile_clear(&pile);
	ck_assert_ptr_nonnull(pile_take(&pile, 1 << 20));
	pile_clear(&pile); /* what is large does not stay */
	ck_assert_ptr_null(pile.chunks);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmlrpc");
	TCase *tcase = leakproof_case("xmlrpc");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_call_has_its_method_and_its_parameters_in_order);
	tcase_add_test(tcase, a_value_without_a_type_is_a_string);
	tcase_add_test(tcase, base64_is_decoded_into_a_string);
	tcase_add_test(tcase, arrays_and_structs_are_trees);
	tcase_add_test(tcase, a_call_needs_no_parameters_and_may_name_no_method);
	tcase_add_test(tcase, an_answer_and_a_fault_are_told_apart);
	tcase_add_test(tcase, answers_alone_may_have_i8_and_nil);
	tcase_add_loop_test(tcase, what_is_no_xmlrpc_is_refused, 0, sizeof refused / sizeof *refused);
	tcase_add_test(tcase, depth_and_number_are_capped);
	tcase_add_loop_test(
		tcase, a_string_is_written_so_that_it_can_be_read, 0, sizeof strings / sizeof *strings);
	tcase_add_loop_test(
		tcase, text_in_blocks_is_written_as_in_one, 0, sizeof strings / sizeof *strings);
	tcase_add_test(tcase, an_answer_has_the_form_of_the_original);
	tcase_add_test(tcase, a_date_has_one_form);
	tcase_add_test(tcase, a_pile_is_used_again);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
