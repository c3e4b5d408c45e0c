/* A daemon whose starter knows when it is ready: pid file, readiness, orderly end on SIGTERM. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reeve/daemon.h"
#include "reeve/error.h"
#include "reeve/loop.h"
#include "reeve/signal.h"

static void on_term(struct reeve_loop_source *source, const struct reeve_signal_event *event, void *data)
{
	reeve_loop_stop(reeve_loop_source_loop(source), 0);
}

/* The daemon's life: ready as soon as it can be told to end. */
static int serve(struct reeve_daemon *daemon, struct reeve_pid_file *pid_file)
{
	struct reeve_loop *loop;
	int r = reeve_loop_new(&loop);

	if (r == 0)
		r = reeve_loop_add_signal(loop, SIGTERM, on_term, NULL, NULL);
	if (r == 0)
		r = reeve_pid_file_write(pid_file);
	if (r < 0) {
		reeve_daemon_report(daemon, EXIT_FAILURE, reeve_error_text(r));
		return EXIT_FAILURE;
	}
	reeve_daemon_report(daemon, 0, "waiting for SIGTERM");
	reeve_notify_ready(); /* for a service manager, if there is one */
	r = reeve_loop_run(loop);
	reeve_notify_stopping();
	reeve_loop_free(loop);
	reeve_pid_file_free(pid_file); /* removes it */
	reeve_daemon_free(daemon);
	return r;
}

int main(void)
{
	struct reeve_pid_file *pid_file, *second;
	struct reeve_daemon *daemon;
	struct reeve_daemon_report report;
	int alive[2], keep[2], r; /* `alive` ends with the daemon */
	pid_t owner = 0;
	char path[64], byte;

	snprintf(path, sizeof path, "/tmp/reeve-example-%d.pid", (int)getpid());
	if (pipe(alive) < 0)
		return 1;
	r = reeve_pid_file_open(path, &pid_file, &owner);
	if (r < 0) {
		printf("%s: %s (pid %d)\n", path, reeve_error_text(r), (int)owner);
		return 1;
	}
	keep[0] = alive[1];
	keep[1] = reeve_pid_file_fd(pid_file);
	r = reeve_daemon_start(&(struct reeve_daemon_spec){ .umask = 022, .keep = keep, .keep_count = 2,
		.timeout = 10 * REEVE_SEC }, &daemon, &report);
	if (r == 0)
		return serve(daemon, pid_file);

	close(alive[1]);
	reeve_pid_file_free(pid_file); /* this copy: the daemon holds the lock */
	if (r < 0 || report.status != 0) {
		printf("the daemon did not start: %s, step %s, \"%s\"\n", r < 0 ? reeve_error_text(r) : "it failed",
			reeve_daemon_step_name(report.failed), report.message);
		return 1;
	}
	printf("daemon %d is ready: %s\n", (int)report.pid, report.message);

	r = reeve_pid_file_open(path, &second, &owner);
	printf("a second one: %s, pid %d runs\n", reeve_error_text(r), (int)owner);
	if (r >= 0 || owner != report.pid)
		return 1;
	reeve_signal_send(report.pid, SIGTERM);
	if (read(alive[0], &byte, 1) != 0)
		return 1;
	printf("it has ended, and its pid file is %s\n", access(path, F_OK) < 0 ? "gone" : "still there");
	return access(path, F_OK) < 0 ? 0 : 1;
}
