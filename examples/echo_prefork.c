/* A pre-forked echo server: workers that accept from one listening socket, and a client that talks to them. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reeve/loop.h"
#include "reeve/process.h"
#include "reeve/signal.h"

#define WORKERS 3
#define CLIENTS 24

static void on_connection(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	char text[256];
	ssize_t size = read(fd, text, sizeof text);

	if (size > 0 && write(fd, text, (size_t)size) == size)
		return;
	reeve_loop_source_free(source);
	close(fd);
}

/* All workers are woken by a connection; one gets it. */
static void on_listener(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (connection >= 0 && reeve_loop_add_fd(reeve_loop_source_loop(source), connection, REEVE_LOOP_READABLE,
				       on_connection, NULL, NULL) < 0)
		close(connection);
}

static void on_term(struct reeve_loop_source *source, const struct reeve_signal_event *event, void *data)
{
	reeve_loop_stop(reeve_loop_source_loop(source), 0);
}

static int work(int listener)
{
	struct reeve_loop *loop;
	int r;

	if (reeve_loop_new(&loop) < 0 || reeve_loop_add_signal(loop, SIGTERM, on_term, NULL, NULL) < 0 ||
		reeve_loop_add_fd(loop, listener, REEVE_LOOP_READABLE, on_listener, NULL, NULL) < 0)
		return 1;
	/* The parent blocked it, so that none could be missed before this point. */
	reeve_signal_mask(REEVE_SIGNAL_UNBLOCK, REEVE_SIGNAL_SET(SIGTERM), NULL);
	r = reeve_loop_run(loop);
	reeve_loop_free(loop);
	return r;
}

static bool echoes(const struct sockaddr_in *address, int number)
{
	char text[64], answer[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int size = snprintf(text, sizeof text, "message %d", number);
	bool same = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
		write(fd, text, (size_t)size) == size && read(fd, answer, sizeof answer) == size &&
		memcmp(text, answer, (size_t)size) == 0;

	close(fd);
	return same;
}

int main(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), echoed = 0, ended = 0;
	pid_t workers[WORKERS];

	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 128) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		return 1;
	reeve_signal_mask(REEVE_SIGNAL_BLOCK, REEVE_SIGNAL_SET(SIGTERM), NULL);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = reeve_process_fork();
		if (workers[i] == 0)
			_exit(work(listener));
	}
	for (int i = 0; i < CLIENTS; i++)
		echoed += echoes(&address, i);
	printf("%d of %d messages came back\n", echoed, CLIENTS);
	for (int i = 0; i < WORKERS; i++) {
		struct reeve_process_outcome outcome = { 0 };
		char text[64];

		reeve_signal_send(workers[i], SIGTERM);
		if (reeve_process_wait_pid(workers[i], REEVE_PROCESS_WAIT_ENDED, 10 * REEVE_SEC, &outcome) < 0)
			continue;
		reeve_process_outcome_text(&outcome, text, sizeof text);
		printf("worker %d %s\n", (int)workers[i], text);
		ended += outcome.how == REEVE_PROCESS_EXITED && outcome.status == 0;
	}
	return echoed == CLIENTS && ended == WORKERS ? 0 : 1;
}
