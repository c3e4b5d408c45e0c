/* Every request for memory fails in turn, while a configuration with a bit of everything is read: the answer is
 * -ENOMEM each time, nothing is left behind (the address sanitizer's ring sees that), and the next reading is good. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/snapshot.h"
#include "support/failing_memory.h"
#include "support/harness.h"
#include "support/memory_source.h"

static const struct memory_file files[] = {
	{ "/d/inc/a.conf", "[program:a]\ncommand=%(here)s/a %(ENV_X)s 'b c' ; cut\n  and "
			   "more\nuser=app\nexitcodes=0,2\n"
			   "numprocs=3\nprocess_name=%(process_num)d\nenvironment=A=\"%(ENV_X)s\","
			   "B%(process_num)d=2\n"
			   "stdout_logfile=/log/%(process_num)d\ncomand=x\n" },
	{ "/d/main.conf",
		"[supervisord]\nuser=root\nenvironment=Z=1\n[include]\nfiles=inc/* "
		"none*\n[nonsense]\nx=y\n"
		"[unix_http_server]\nfile=~app/s\nchown=app:wheel\n[inet_http_server]\nport=*:1\n"
		"[rpcinterface:supervisor]\nx=y\n"
		"supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
		"[group:g]\nprograms=b,a\n[program:b]\ncommand=x\n[supervisorctl]\nserverurl=unix:/"
		"/%(here)s/s\n"
		"[eventlistener:l]\ncommand=x\nevents=TICK,PROCESS_STATE\n"
		"[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/%(program_name)s\nuser=app\n" },
	{ 0 },
};

/* -ENOMEM as often as memory fails; then success. The loop ends when a reading needs less requests than `n`. */
START_TEST(a_reading_without_memory_says_so)
{
	struct config_request request = memory_request("/d/main.conf");
	unsigned long n = 0;
	int r;

	memory_files = files;
	do {
		struct config *config = NULL;
		struct report report;

		report_init(&report);
		report.lint = true;
		memory_fail(++n);
		r = config_read(&request, &config, &report);
		if (memory_failed() != (r == -ENOMEM) || (r == 0) != (config != NULL))
			ck_abort_msg("request %lu: %d", n, r);
		memory_fail(0);
		config_free(config);
		report_deinit(&report);
	} while (r == -ENOMEM);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(n, 100);
}
END_TEST

static int take_and_load(const struct config_request *request)
{
	struct config_snapshot *snapshot = NULL, *loaded = NULL;
	struct config *config = NULL, *again = NULL;
	struct report report;
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	int r;

	report_init(&report);
	r = config_snapshot_take(request, &snapshot, &config, &report);
	if (r == 0)
		r = config_snapshot_save(snapshot, fd);
	if (r == 0)
		r = config_snapshot_load(fd, &loaded);
	if (r == 0)
		r = config_snapshot_read(loaded, &again, &report);
	close(fd);
	config_free(config);
	config_free(again);
	config_snapshot_free(snapshot);
	config_snapshot_free(loaded);
	report_deinit(&report);
	return r;
}

START_TEST(a_snapshot_without_memory_says_so)
{
	struct config_request request = memory_request("/d/main.conf");
	unsigned long n = 0;
	int r;

	memory_files = files;
	do {
		memory_fail(++n);
		r = take_and_load(&request);
		if (memory_failed() != (r == -ENOMEM))
			ck_abort_msg("request %lu: %d", n, r);
		memory_fail(0);
	} while (r == -ENOMEM);
	ck_assert_int_eq(r, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config-fault");
	TCase *tcase = leakproof_case("config-fault");

	tcase_add_test(tcase, a_reading_without_memory_says_so);
	tcase_add_test(tcase, a_snapshot_without_memory_says_so);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
