#include "lib/signal/event.h"

/* Which members of the union are filled follows from code and number alone, as the kernel's
 * siginfo_layout() has it. */
void event_from_info(const siginfo_t *info, struct reeve_signal_event *ret)
{
	struct reeve_signal_event event = {
		.signo = info->si_signo,
		.code = info->si_code,
		.error = info->si_errno,
		.count = 1,
	};

	if (info->si_code == SI_TIMER) {
		event.timer = info->si_timerid;
		event.overrun = info->si_overrun;
		event.value = info->si_int;
		event.pointer = info->si_ptr;
	} else if (info->si_code == SI_SIGIO ||
		   (info->si_code > 0 && info->si_code != SI_KERNEL && info->si_signo == SIGIO)) {
		event.band = info->si_band;
		event.fd = info->si_fd;
	} else if (info->si_code < 0) {
		event.pid = info->si_pid;
		event.uid = info->si_uid;
		event.value = info->si_int;
		event.pointer = info->si_ptr;
	} else if (info->si_code == SI_USER || info->si_code == SI_KERNEL) {
		event.pid = info->si_pid;
		event.uid = info->si_uid;
	} else if (info->si_signo == SIGCHLD) {
		event.pid = info->si_pid;
		event.uid = info->si_uid;
		event.status = info->si_status;
		event.utime = info->si_utime;
		event.stime = info->si_stime;
	} else if (SYNCHRONOUS_SIGNALS & REEVE_SIGNAL_SET(info->si_signo)) {
		event.address = info->si_addr;
	} else {
		event.pid = info->si_pid;
		event.uid = info->si_uid;
	}
	*ret = event;
}

/* Here the kernel itself left what does not apply at 0. */
void event_from_signalfd(const struct signalfd_siginfo *info, struct reeve_signal_event *ret)
{
	*ret = (struct reeve_signal_event){
		.signo = (int)info->ssi_signo,
		.code = info->ssi_code,
		.error = info->ssi_errno,
		.pid = (pid_t)info->ssi_pid,
		.uid = info->ssi_uid,
		.status = info->ssi_status,
		.value = info->ssi_int,
		.pointer = (void *)(uintptr_t)info->ssi_ptr,
		.timer = (int)info->ssi_tid,
		.overrun = (int)info->ssi_overrun,
		.band = (long)info->ssi_band,
		.fd = info->ssi_fd,
		.address = (void *)(uintptr_t)info->ssi_addr,
		.utime = (int64_t)info->ssi_utime,
		.stime = (int64_t)info->ssi_stime,
		.count = 1,
	};
}
