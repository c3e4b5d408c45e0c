/* A snapshot gives the same configuration again without a question to the machine, and damaged bytes give none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/json.h"
#include "config/snapshot.h"
#include "support/harness.h"
#include "support/memory_source.h"

static const struct memory_file files[] = {
	{ "/d/inc/a.conf", "[program:a]\ncommand=%(here)s/a %(ENV_X)s "
			   "%(host_node_name)s\nuser=app\nstdout_logfile=/log/a\n" },
	{ "/d/inc/b.conf", NULL },
	{ "/d/main.conf", "[supervisord]\nuser=root\n[include]\nfiles=inc/* none*\n"
			  "[unix_http_server]\nfile=~app/s\nchown=app:wheel\n" },
	{ 0 },
};

static const struct config_override overrides[] = { { "logfile", "/log/main.log" },
	{ "umask", "077" } };

static struct report report;
static struct config_snapshot *snapshot;
static struct config *config;

static void setup(void)
{
	struct config_request request = memory_request("/d/main.conf");

	memory_files = files;
	request.overrides = overrides;
	request.override_count = 2;
	report_init(&report);
	snapshot = NULL;
	config = NULL;
	ck_assert_int_eq(config_snapshot_take(&request, &snapshot, &config, &report), 0);
	memory_files = NULL;
	memory_questions = 0;
}

static void teardown(void)
{
	config_snapshot_free(snapshot);
	config_free(config);
	report_deinit(&report);
}

/* The saved bytes, to be freed. */
static char *save(size_t *ret_length)
{
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	off_t length;
	char *bytes;

	ck_assert_int_eq(config_snapshot_save(snapshot, fd), 0);
	length = lseek(fd, 0, SEEK_END);
	bytes = malloc((size_t)length);
	ck_assert_int_eq(pread(fd, bytes, (size_t)length, 0), length);
	close(fd);
	*ret_length = (size_t)length;
	return bytes;
}

static void expect_same(const struct config_snapshot *from)
{
	struct report again;
	struct config *other = NULL;
	json_t *a, *b;

	report_init(&again);
	ck_assert_int_eq(config_snapshot_read(from, &other, &again), 0);
	a = config_to_json(config, &report);
	b = config_to_json(other, &again);
	ck_assert(json_equal(a, b));
	ck_assert_uint_eq(again.count, report.count);
	ck_assert_int_eq(memory_questions, 0);
	json_decref(a);
	json_decref(b);
	config_free(other);
	report_deinit(&again);
}

START_TEST(a_snapshot_reads_the_same_without_a_question)
{
	expect_same(snapshot);
	expect_same(snapshot);
}
END_TEST

START_TEST(it_goes_through_a_descriptor)
{
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	struct config_snapshot *loaded = NULL;

	ck_assert_int_eq(config_snapshot_save(snapshot, fd), 0);
	ck_assert_int_eq(config_snapshot_load(fd, &loaded), 0);
	expect_same(loaded);
	config_snapshot_free(loaded);
	close(fd);
	ck_assert_int_eq(config_snapshot_load(fd, &loaded), -EBADF);
}
END_TEST

START_TEST(a_refusal_is_the_same_again)
{
	struct config_request request = memory_request("/d/none.conf");
	struct config_snapshot *refused = NULL;
	struct config *none = NULL;

	memory_files = files;
	ck_assert_int_eq(config_snapshot_take(&request, &refused, &none, &report), -EINVAL);
	memory_files = NULL;
	report_deinit(&report);
	ck_assert_int_eq(config_snapshot_read(refused, &none, &report), -EINVAL);
	ck_assert_str_eq(report.entries[0].text, "could not find config file /d/none.conf");
	ck_assert_ptr_null(none);
	config_snapshot_free(refused);
}
END_TEST

START_TEST(a_snapshot_cut_anywhere_or_longer_is_refused)
{
	struct config_snapshot *parsed = NULL;
	size_t length;
	char *bytes = save(&length);

	for (size_t cut = 0; cut < length; cut++) {
		char *exact = malloc(cut + !cut); /* for the sanitizer to see what lies beyond */

		memcpy(exact, bytes, cut);
		ck_assert_int_eq(config_snapshot_parse(exact, cut, &parsed), -EBADMSG);
		free(exact);
	}
	bytes = realloc(bytes, length + 1);
	bytes[length] = '\0';
	ck_assert_int_eq(config_snapshot_parse(bytes, length + 1, &parsed), -EBADMSG);
	ck_assert_ptr_null(parsed);
	free(bytes);
}
END_TEST

/* Whatever a byte becomes, nothing is read that is not there; what is still a snapshot may say something else. */
START_TEST(a_changed_byte_does_no_harm)
{
	static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	size_t length, refused = 0;
	char *bytes = save(&length);

	for (size_t at = 0; at < length; at++) {
		char was = bytes[at];

		for (size_t i = 0; i < sizeof values; i++) {
			struct config_snapshot *parsed = NULL;
			struct config *other = NULL;
			struct report again;

			report_init(&again);
			bytes[at] = (char)values[i];
			if (config_snapshot_parse(bytes, length, &parsed) < 0)
				refused++;
			else
				config_snapshot_read(parsed, &other, &again);
			config_free(other);
			config_snapshot_free(parsed);
			report_deinit(&again);
		}
		bytes[at] = was;
	}
	ck_assert_uint_gt(refused, 0);
	free(bytes);
}
END_TEST

START_TEST(a_full_device_is_told)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(config_snapshot_save(snapshot, fds[0]), -EBADF);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_snapshot");
	TCase *tcase = leakproof_case("config_snapshot");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_snapshot_reads_the_same_without_a_question);
	tcase_add_test(tcase, it_goes_through_a_descriptor);
	tcase_add_test(tcase, a_refusal_is_the_same_again);
	tcase_add_test(tcase, a_snapshot_cut_anywhere_or_longer_is_refused);
	tcase_add_test(tcase, a_changed_byte_does_no_harm);
	tcase_add_test(tcase, a_full_device_is_told);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
