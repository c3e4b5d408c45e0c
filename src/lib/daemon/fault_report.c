#include "lib/daemon/fault_report.h"

#include <stdint.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "lib/base/sys.h"
#include "lib/daemon/fault_symbol.h"
#include "lib/daemon/fault_writer.h"
#include "reeve/fault.h"
#include "reeve/signal.h"

/* --- frames --- */

struct frame {
	uintptr_t address;
	bool is_return; /* the call is before it */
};

struct frames {
	size_t count;
	bool more;
	struct frame list[REEVE_FAULT_FRAMES_MAX];
};

static void add_frame(struct frames *frames, uintptr_t address, bool is_return)
{
	if (frames->count == REEVE_FAULT_FRAMES_MAX)
		frames->more = true;
	else
		frames->list[frames->count++] = (struct frame){ address, is_return };
}

/* Frames before `from` are the report's own; they are left out. */
struct walk {
	struct frames *frames;
	uintptr_t from;
	bool found;
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *data)
{
	struct walk *walk = data;
	int before_instruction = 0;
	uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);

	if (address == walk->from)
		walk->found = true;
	if (walk->found && address)
		add_frame(walk->frames, address, !before_instruction);
	return walk->frames->more ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

/* Returns whether `from` was among the frames; `own_too`: or did not matter. */
static bool walk_stack(uintptr_t from, bool own_too, struct frames *ret)
{
	struct walk walk = { .frames = ret, .from = from, .found = own_too };

	ret->count = 0;
	ret->more = false;
	_Unwind_Backtrace(visit, &walk);
	return walk.found;
}

/* --- registers --- */

#if defined(__x86_64__)
static uintptr_t program_counter(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

/* Where a function that has not done anything yet returns to; 0 where it can't be read. Read as another process's memory
 * would be: a bad stack pointer is no second fault. */
static uintptr_t return_address_at_entry(const ucontext_t *context)
{
	uintptr_t address = 0;
	struct iovec here = { &address, sizeof address };
	struct iovec stack = { (void *)context->uc_mcontext.gregs[REG_RSP], sizeof address };

	return sys_process_vm_readv(getpid(), &here, 1, &stack, 1, 0) == sizeof address ? address : 0;
}
#elif defined(__aarch64__)
static uintptr_t program_counter(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.pc;
}

static uintptr_t return_address_at_entry(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.regs[30];
}
#else
#error "the registers of this processor are not known here"
#endif

/* The frames from the one that the signal interrupted on. A jump to nowhere (a NULL function pointer) leaves the unwinder
 * without a beginning; then the return address of that call is one. Where the handler was called late (sanitizers do so),
 * its own frames are the best there is. */
static void frames_of_context(const ucontext_t *context, struct frames *ret)
{
	uintptr_t address = program_counter(context);
	struct fault_module ignored;
	uintptr_t caller;

	if (walk_stack(address, false, ret) && ret->count > 1)
		return;
	if (ret->count == 0 && module_find(address, &ignored)) {
		walk_stack(0, true, ret);
		return;
	}
	ret->count = 0;
	add_frame(ret, address, false);
	caller = return_address_at_entry(context);
	if (caller)
		add_frame(ret, caller, true);
}

/* --- text --- */

static void write_frame(struct fault_writer *writer, size_t number, struct frame frame)
{
	uintptr_t inside = frame.address - frame.is_return;
	struct fault_module module;
	struct fault_symbol symbol;

	writer_text(writer, "  #");
	writer_number(writer, (intmax_t)number);
	writer_text(writer, " ");
	writer_hex(writer, frame.address, 16);
	if (!module_find(inside, &module)) {
		writer_text(writer, " (not in any file)\n");
		return;
	}
	symbol_find(&module, inside, &symbol);
	if (symbol.name[0]) {
		writer_text(writer, " ");
		writer_foreign_text(writer, symbol.name, SYMBOL_NAME_MAX);
		writer_text(writer, "+");
		writer_hex(writer, symbol.offset + frame.is_return, 0);
	}
	writer_text(writer, " (");
	writer_foreign_text(writer, module.path, MODULE_PATH_MAX);
	writer_text(writer, "+");
	/* Of the call, not of what follows it: the line that addr2line names is then the right one. */
	writer_hex(writer, symbol.has_address ? symbol.address : inside - module.start + (uintptr_t)module.offset,
		0);
	writer_text(writer, ")\n");
}

static void write_frames(struct fault_writer *writer, const struct frames *frames)
{
	for (size_t i = 0; i < frames->count; i++)
		write_frame(writer, i, frames->list[i]);
	if (frames->more)
		writer_text(writer, "  ...\n");
}

static const struct {
	int signo, code;
	const char *text; /* around the address where there is one */
	const char *after;
} causes[] = {
	{ SIGSEGV, SEGV_MAPERR, "address ", " is not mapped" },
	{ SIGSEGV, SEGV_ACCERR, "address ", " does not permit this access" },
	{ SIGSEGV, SI_KERNEL, "an address that cannot exist", NULL },
	{ SIGBUS, BUS_ADRALN, "address ", " is not aligned" },
	{ SIGBUS, BUS_ADRERR, "address ", " has nothing behind it (a file that was truncated?)" },
	{ SIGBUS, BUS_OBJERR, "hardware error at address ", "" },
	{ SIGFPE, FPE_INTDIV, "integer division by zero", NULL },
	{ SIGFPE, FPE_INTOVF, "integer overflow", NULL },
	{ SIGFPE, FPE_FLTDIV, "division by zero", NULL },
	{ SIGFPE, FPE_FLTOVF, "overflow", NULL },
	{ SIGFPE, FPE_FLTUND, "underflow", NULL },
	{ SIGFPE, FPE_FLTINV, "invalid operation", NULL },
	{ SIGILL, ILL_ILLOPC, "illegal opcode", NULL },
	{ SIGILL, ILL_ILLOPN, "illegal operand", NULL },
	{ SIGILL, ILL_PRVOPC, "privileged opcode", NULL },
};

static void write_cause(struct fault_writer *writer, const siginfo_t *info)
{
	if (info->si_code <= 0) {
		if (info->si_code == SI_TIMER) {
			writer_text(writer, "a timer expired");
		} else if (info->si_pid == getpid()) {
			writer_text(writer, "sent by the program itself");
		} else {
			writer_text(writer, "sent by process ");
			writer_number(writer, info->si_pid);
			writer_text(writer, " of user ");
			writer_number(writer, info->si_uid);
		}
		return;
	}
	for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
		if (causes[i].signo != info->si_signo || causes[i].code != info->si_code)
			continue;
		writer_text(writer, causes[i].text);
		if (!causes[i].after)
			return;
		writer_hex(writer, (uintptr_t)info->si_addr, 0);
		writer_text(writer, causes[i].after);
		return;
	}
	writer_text(writer, "code ");
	writer_number(writer, info->si_code);
}

static void write_thread(struct fault_writer *writer)
{
	char name[17] = "";

	sys_prctl(PR_GET_NAME, (unsigned long)name);
	writer_text(writer, "thread ");
	writer_number(writer, gettid());
	writer_text(writer, " \"");
	writer_foreign_text(writer, name, sizeof name);
	writer_text(writer, "\" of process ");
	writer_number(writer, getpid());
}

int report_signal(int fd, const siginfo_t *info, const void *context, bool fatal)
{
	const char *name = reeve_signal_name(info->si_signo);
	struct fault_writer writer;
	struct frames frames;

	writer_begin(&writer, fd);
	writer_text(&writer, fatal ? "Fatal signal " : "Signal ");
	writer_text(&writer, name ? name : "?");
	writer_text(&writer, ": ");
	write_cause(&writer, info);
	writer_text(&writer, ", in ");
	write_thread(&writer);
	writer_text(&writer, "\n");
	frames_of_context(context, &frames);
	write_frames(&writer, &frames);
	return writer_end(&writer);
}

int report_caller(int fd, const void *return_address)
{
	struct fault_writer writer;
	struct frames frames;

	writer_begin(&writer, fd);
	writer_text(&writer, "Backtrace of ");
	write_thread(&writer);
	writer_text(&writer, "\n");
	walk_stack((uintptr_t)return_address, false, &frames);
	write_frames(&writer, &frames);
	return writer_end(&writer);
}
