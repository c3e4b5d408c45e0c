/* What a gateway that was taken over can't do any more. Each try is a process of its own, whose exit status says how it
 * went. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/board.h"
#include "gateway/sandbox.h"
#include "support/harness.h"

#define EXIT_NO_SANDBOX 99

static pid_t parent; /* of those that try */

/* Enter, then try; what `try` fails with, 0: it can be done. */
static int inside(int (*try)(void))
{
	int status;
	pid_t pid;

	parent = getpid();
	pid = fork();
	if (pid == 0)
		_exit(sandbox_enter() < 0 ? EXIT_NO_SANDBOX : try());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_ne(WEXITSTATUS(status), EXIT_NO_SANDBOX);
	return WEXITSTATUS(status);
}

static int result(long r)
{
	return r < 0 ? errno : 0;
}

static int make_socket(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int make_process(void)
{
	return result(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int execute(void)
{
	char *const arguments[] = { NULL };

	return result(execve("/bin/true", arguments, arguments));
}

static int kill_parent(void)
{
	return result(kill(parent, 0));
}

/* By a signal that a descriptor sends. */
static int own_by_parent(void)
{
	return result(fcntl(0, F_SETOWN, parent));
}

static int send_another_signal(void)
{
	return result(fcntl(0, F_SETSIG, SIGKILL));
}

/* What is open is open to other roles, too, who are never to wait for it. */
static int make_blocking(void)
{
	int flags = fcntl(1, F_GETFL);

	return flags < 0 ? 0 : result(fcntl(1, F_SETFL, flags & ~O_NONBLOCK));
}

static int make_non_blocking(void)
{
	int fd = memfd_create("x", MFD_CLOEXEC);

	return result(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK));
}

static int resize_pipe(void)
{
	return result(fcntl(1, F_SETPIPE_SZ, 4096));
}

static int write_file(void)
{
	return result(open("/tmp/reeve-sandbox", O_WRONLY | O_CREAT, 0600));
}

static int make_unnamed_file(void)
{
	return result(open("/tmp", O_RDWR | O_TMPFILE, 0600));
}

static int execute_memory(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return result(memory == MAP_FAILED ? -1 : 0);
}

static int make_memory_executable(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return result(memory == MAP_FAILED ? -1 : mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int trace(void)
{
	return result(syscall(SYS_ptrace, 0, 0, 0, 0));
}

static int remove_file(void)
{
	return result(unlink("/tmp/reeve-sandbox"));
}

START_TEST(most_system_calls_are_gone)
{
	ck_assert_int_eq(inside(make_socket), EPERM);
	ck_assert_int_eq(inside(make_process), EPERM);
	ck_assert_int_eq(inside(execute), EPERM);
	ck_assert_int_eq(inside(kill_parent), EPERM);
	ck_assert_int_eq(inside(own_by_parent), EPERM);
	ck_assert_int_eq(inside(send_another_signal), EPERM);
	ck_assert_int_eq(inside(make_blocking), EPERM);
	ck_assert_int_eq(inside(make_non_blocking), 0);
	ck_assert_int_eq(inside(resize_pipe), EPERM);
	ck_assert_int_eq(inside(write_file), EPERM);
	ck_assert_int_eq(inside(make_unnamed_file), EPERM);
	ck_assert_int_eq(inside(execute_memory), EPERM);
	ck_assert_int_eq(inside(make_memory_executable), EPERM);
	ck_assert_int_eq(inside(trace), EPERM);
	ck_assert_int_eq(inside(remove_file), EPERM);
}
END_TEST

static int read_file(void)
{
	return result(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int list_processes(void)
{
	return result(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int read_parents_memory(void)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/mem", (int)parent);
	return result(open(path, O_RDONLY | O_CLOEXEC));
}

START_TEST(no_file_can_be_read)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0)
		return; /* this kernel has nothing to forbid it with */
	ck_assert_int_eq(inside(read_file), EACCES);
	ck_assert_int_eq(inside(list_processes), EACCES);
	ck_assert_int_eq(inside(read_parents_memory), EACCES);
}
END_TEST

static int read_usage(void)
{
	char path[64], text[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)parent);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return result(fd < 0 ? -1 : read(fd, text, sizeof text) > 0 ? 0 : -1);
}

START_TEST(how_much_programs_use_can_be_read)
{
	ck_assert_int_eq(inside(read_usage), 0);
}
END_TEST

static int abort_it(void)
{
	abort();
}

START_TEST(it_leaves_no_core_file)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(sandbox_enter() < 0 ? EXIT_NO_SANDBOX : abort_it());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
	ck_assert(!WCOREDUMP(status));
}
END_TEST

static struct board board;

static int write_board(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reeve_map_fd(board.map), 0);

	return result(memory == MAP_FAILED ? -1 : 0);
}

static int write_board_by_call(void)
{
	return result(write(reeve_map_fd(board.map), "x", 1));
}

static int read_board(void)
{
	struct board_record record;
	struct board seen;
	int r = board_open(reeve_map_fd(board.map), &seen);

	return r < 0 ? -r : -board_read(&seen, 0, &record);
}

START_TEST(the_board_can_be_read_and_not_written)
{
	ck_assert_int_eq(board_create("x", &board), 0);
	ck_assert_int_eq(board_add(&board, "g", "p", 0), 0);
	ck_assert_int_eq(inside(read_board), 0);
	ck_assert_int_eq(inside(write_board), EPERM);
	ck_assert_int_eq(inside(write_board_by_call), EPERM);
	board_close(&board);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gateway_sandbox");
	TCase *tcase = leakproof_case("sandbox");

	tcase_add_test(tcase, most_system_calls_are_gone);
	tcase_add_test(tcase, no_file_can_be_read);
	tcase_add_test(tcase, how_much_programs_use_can_be_read);
	tcase_add_test(tcase, it_leaves_no_core_file);
	tcase_add_test(tcase, the_board_can_be_read_and_not_written);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
