#include "kill/step.h"

#include <check.h>
#include <elf.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

char step_where[128];

/* The child's marks, before and behind the operation. */
static void mark(void)
{
	kill(getpid(), SIGSTOP);
}

bool step_allowed(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		mark();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return false;
	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid;
}

/* Tracer and child run by turns: on one processor neither has to wake another for that, which is
 * several times as fast. Not to be had: slower. */
static void share_a_processor(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof one, &one);
}

/* Whether the next instruction is a system call. */
static bool at_system_call(pid_t pid)
{
	struct user_regs_struct registers;
	struct iovec room = { &registers, sizeof registers };
	long word;

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &room) < 0)
		return false;
#if defined(__x86_64__)
	word = ptrace(PTRACE_PEEKTEXT, pid, registers.rip, NULL);
	return (word & 0xffff) == 0x050f; /* syscall */
#elif defined(__aarch64__)
	word = ptrace(PTRACE_PEEKTEXT, pid, registers.pc, NULL);
	return (word & 0xffffffff) == 0xd4000001; /* svc #0 */
#else
#error "how is a system call told here?"
#endif
}

/* How far an operation has come. */
struct place {
	unsigned number, instructions;
	unsigned calls; /* system calls so far */
};

/* A run: a child that stands before the operation. */
struct run {
	const struct step_scenario *scenario;
	pid_t pid;
	const void *memory;
	size_t size;
	void *before; /* what was in it */
	struct place at, last_call;
	bool finished;
};

static void wait_for_stop(struct run *run, int signal)
{
	int status;

	ck_assert_int_eq(waitpid(run->pid, &status, 0), run->pid);
	ck_assert_msg(WIFSTOPPED(status) && (!signal || WSTOPSIG(status) == signal),
		"%s: status %#x of the child", run->scenario->name, (unsigned)status);
	run->finished = WSTOPSIG(status) == SIGSTOP;
}

static void begin(struct run *run, const struct step_scenario *scenario)
{
	*run = (struct run){ .scenario = scenario };
	scenario->prepare();
	run->memory = scenario->memory(&run->size);
	run->before = malloc(run->size);
	run->pid = fork();
	if (run->pid == 0) {
		if (scenario->enter)
			scenario->enter();
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		mark();
		scenario->operate();
		mark();
		_exit(0);
	}
	wait_for_stop(run, SIGSTOP);
	run->finished = false;
	memcpy(run->before, run->memory, run->size);
}

/* One instruction on; and counted, if that made a difference to who dies now. */
static void step(struct run *run)
{
	bool call = at_system_call(run->pid);
	bool differs = call || getenv("REEVE_KILL_EACH");

	ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, run->pid, NULL, NULL), 0);
	wait_for_stop(run, 0);
	run->at.instructions++;
	if (memcmp(run->before, run->memory, run->size) != 0) {
		memcpy(run->before, run->memory, run->size);
		differs = true;
	}
	if (!differs)
		return;
	run->at.number++;
	if (call) {
		run->at.calls++;
		run->last_call = run->at;
	}
}

/* Behind the system call that an earlier run found at `there`, at full speed. Or to the end: where
 * other processes run as well, there may be fewer calls this time. */
static void leap(struct run *run, const struct place *there)
{
	ptrace(PTRACE_SETOPTIONS, run->pid, NULL, PTRACE_O_TRACESYSGOOD);
	for (unsigned stop = 0; stop < 2 * there->calls; stop++) { /* at its entry, at its exit */
		ck_assert_int_eq(ptrace(PTRACE_SYSCALL, run->pid, NULL, NULL), 0);
		wait_for_stop(run, 0);
		if (run->finished)
			return;
	}
	memcpy(run->before, run->memory, run->size);
	run->at = run->last_call = *there;
}

/* To place `n`, or to the operation's end. `last_call` is where the run to the place before
 * began to step. Returns whether it came as far as that. */
static bool advance(struct run *run, unsigned n, const struct place *last_call)
{
	bool came;

	leap(run, last_call);
	came = !run->finished;
	while (run->at.number < n && !run->finished)
		step(run);
	snprintf(step_where, sizeof step_where, "%s, place %u, instruction %u", run->scenario->name,
		run->at.number, run->at.instructions);
	return came;
}

static void to_its_end(struct run *run)
{
	if (run->finished)
		return;
	ck_assert_int_eq(ptrace(PTRACE_CONT, run->pid, NULL, NULL), 0);
	wait_for_stop(run, SIGSTOP);
}

static void end(struct run *run)
{
	int status;

	kill(run->pid, SIGKILL);
	ck_assert_int_eq(waitpid(run->pid, &status, 0), run->pid);
	ck_assert(WIFSIGNALED(status));
	run->scenario->settle(run->finished);
	free(run->before);
}

static struct step_tally everywhere(const struct step_scenario *scenario, bool goes_on)
{
	struct place last_call = { 0 };
	struct run run;
	bool came, last;

	share_a_processor();
	for (unsigned n = 0;;) {
		begin(&run, scenario);
		came = advance(&run, n, &last_call);
		last = came && run.finished;
		/* If it did not come there: once more, step by step. */
		last_call = came ? run.last_call : (struct place){ 0 };
		n += came;
		if (scenario->meanwhile)
			scenario->meanwhile();
		if (goes_on)
			to_its_end(&run);
		end(&run);
		if (last)
			return (struct step_tally){ run.at.instructions, run.at.number };
	}
}

struct step_tally step_kill_everywhere(const struct step_scenario *scenario)
{
	return everywhere(scenario, false);
}

struct step_tally step_pause_everywhere(const struct step_scenario *scenario)
{
	return everywhere(scenario, true);
}
