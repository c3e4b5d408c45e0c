#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "reeve/fault.h"
#include "support/each_fault.h"

/* What a report can do without: a frame is then told with less. (It is made once to nowhere, too.) */
static const char *const absorbed[] = {
	"open", "read", "pread", "fstat", "prctl", "process_vm_readv", "sigaction", NULL,
};

static int be_ready(void)
{
	int r = reeve_fault_enable(2);

	reeve_fault_disable();
	return r;
}

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

#define FATAL_COUNT (sizeof fatal / sizeof *fatal)

static void be_plain(void)
{
	for (size_t i = 0; i < FATAL_COUNT; i++)
		signal(fatal[i], SIG_DFL);
}

static bool is_default(int signo)
{
	struct sigaction action;

	return sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_DFL;
}

/* A sigaction(2) that fails half way: what was replaced already is put back, so all or nothing. */
START_TEST(enabling)
{
	be_plain();
	fail_each_call(be_ready, ENOMEM, absorbed);
	be_plain(); /* where putting back had failed, ours was left */
	for (unsigned n = 1; n <= 10; n++) {
		faulty_arm_call("sigaction", n, EIO);
		ck_assert_int_eq(reeve_fault_enable(2), -EIO);
		ck_assert(!reeve_fault_is_enabled());
		for (size_t i = 0; i < FATAL_COUNT; i++)
			ck_assert(is_default(fatal[i]));
	}
	faulty_arm(0, 0);
}
END_TEST

static int dump(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int r = reeve_fault_dump(null);

	close(null);
	return r;
}

START_TEST(dumping)
{
	fail_each_call(dump, EIO, absorbed);
}
END_TEST

static int demand(void)
{
	int r = reeve_fault_register(SIGUSR1, 2);

	if (r == 0)
		r = reeve_fault_dump_later(SIGUSR1, 3600 * REEVE_SEC, 0);
	reeve_fault_cancel_dump_later();
	reeve_fault_unregister(SIGUSR1);
	return r;
}

START_TEST(demanding)
{
	fail_each_call(demand, EAGAIN, absorbed);
	signal(SIGUSR1, SIG_DFL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_fault");
	TCase *tcase = leakproof_case("fault");

	tcase_add_test(tcase, enabling);
	tcase_add_test(tcase, dumping);
	tcase_add_test(tcase, demanding);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
