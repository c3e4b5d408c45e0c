/* A pre-forked echo server: workers that accept from one listening socket, kept at strength. A client makes one of
 * them crash now and then, which costs it that connection, and nobody any other. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reeve/loop.h"
#include "reeve/pool.h"

#define WORKERS 3
#define MESSAGES 24
#define CRASH_EVERY 8

static void echo(struct reeve_pool_worker *worker, int connection, void *data)
{
	char text[256];
	ssize_t size;

	while ((size = read(connection, text, sizeof text)) > 0) {
		if (memcmp(text, "crash", 5) == 0)
			raise(SIGKILL);
		if (write(connection, text, (size_t)size) != size)
			return;
	}
}

static bool echoes(const struct sockaddr_in *address, const char *text)
{
	char answer[64];
	ssize_t size = (ssize_t)strlen(text);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool same = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
		write(fd, text, (size_t)size) == size && read(fd, answer, sizeof answer) == size &&
		memcmp(text, answer, (size_t)size) == 0;

	close(fd);
	return same;
}

/* The client, a process of its own. Its exit status: how many messages came back. */
static int talk(const struct sockaddr_in *address)
{
	int echoed = 0;

	for (int i = 0; i < MESSAGES; i++) {
		char text[32];

		snprintf(text, sizeof text, "message %d", i);
		echoed += echoes(address, text);
		if (i % CRASH_EVERY == 0)
			echoes(address, "crash");
	}
	return echoed;
}

static void on_client_end(struct reeve_process *client, const struct reeve_process_outcome *outcome, void *data)
{
	printf("%d of %d messages came back\n", outcome->status, MESSAGES);
	reeve_pool_stop(data);
}

static void on_told(struct reeve_pool *pool, const struct reeve_pool_notice *notice, void *data)
{
	char text[64];

	if (notice->event == REEVE_POOL_STOPPED)
		reeve_loop_stop(data, 0);
	if (notice->event != REEVE_POOL_ENDED)
		return;
	reeve_process_outcome_text(&notice->outcome, text, sizeof text);
	printf("worker %d %s: %s\n", (int)notice->pid, text, reeve_pool_reason_name(notice->reason));
}

int main(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct reeve_pool_spec spec = { .workers = WORKERS, .serve = echo, .listen_fd = listener, .told = on_told };
	struct reeve_process_outcome outcome = { 0 };
	struct reeve_process *client;
	struct reeve_loop *loop;
	struct reeve_pool *pool;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	spec.backoff = REEVE_MSEC;
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 128) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &size) < 0 || reeve_loop_new(&loop) < 0)
		return 1;
	spec.told_data = loop;
	pid = reeve_process_fork();
	if (pid == 0)
		_exit(talk(&address));
	if (reeve_process_adopt(pid, &client) < 0 || reeve_pool_new(loop, &spec, &pool) < 0 ||
		reeve_process_watch(client, loop, on_client_end, pool) < 0 || reeve_loop_run(loop) < 0 ||
		reeve_process_wait(client, 0, &outcome) < 0)
		return 1;
	reeve_process_free(client);
	reeve_pool_free(pool);
	reeve_loop_free(loop);
	return outcome.status == MESSAGES ? 0 : 1;
}
