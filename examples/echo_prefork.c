/* A pre-forked echo server: workers that accept from one listening socket, kept at strength; and a client that
 * talks to them, kills one, and finds that nothing changes for it. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reeve/loop.h"
#include "reeve/pool.h"
#include "reeve/process.h"

#define WORKERS 3
#define CLIENTS 24

static void echo(struct reeve_pool_worker *worker, int connection, void *data)
{
	char text[256];
	ssize_t size;

	while ((size = read(connection, text, sizeof text)) > 0)
		if (write(connection, text, (size_t)size) != size)
			break;
}

static void say(struct reeve_pool *pool, const struct reeve_pool_notice *notice, void *data)
{
	char text[64];

	if (notice->event == REEVE_POOL_ENDED) {
		reeve_process_outcome_text(&notice->outcome, text, sizeof text);
		printf("worker %d %s (%s) after %d requests\n", (int)notice->pid, text,
			reeve_pool_reason_name(notice->reason), (int)notice->requests);
	} else if (notice->event == REEVE_POOL_STOPPED) {
		reeve_loop_stop(data, 0);
	}
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

/* A process of its own: the server's loop is the parent's. Its exit status: how many messages came back. */
static int talk(const struct sockaddr_in *address)
{
	int echoed = 0;

	for (int i = 0; i < CLIENTS; i++)
		echoed += echoes(address, i);
	return echoed;
}

static void on_client_end(
	struct reeve_process *client, const struct reeve_process_outcome *outcome, void *data)
{
	struct reeve_pool *pool = data;
	struct reeve_pool_worker_status worker;

	printf("%d of %d messages came back\n", outcome->status, CLIENTS);
	if (reeve_pool_worker_get(pool, 0, &worker) == 0 && worker.pid)
		reeve_signal_send(worker.pid, SIGKILL);
	reeve_pool_stop(pool);
}

int main(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct reeve_pool_spec spec = { .workers = WORKERS, .serve = echo, .listen_fd = listener, .told = say };
	struct reeve_process_outcome outcome = { 0 };
	struct reeve_process *client;
	struct reeve_loop *loop;
	struct reeve_pool *pool;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 128) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &size) < 0 || reeve_loop_new(&loop) < 0)
		return 1;
	spec.told_data = loop;
	pid = reeve_process_fork();
	if (pid == 0)
		_exit(talk(&address));
	if (reeve_process_adopt(pid, &client) < 0 || reeve_pool_new(loop, &spec, &pool) < 0 ||
		reeve_process_watch(client, loop, on_client_end, pool) < 0 || reeve_loop_run(loop) < 0)
		return 1;
	reeve_process_wait(client, 0, &outcome);
	reeve_process_free(client);
	reeve_pool_free(pool);
	reeve_loop_free(loop);
	return outcome.status == CLIENTS ? 0 : 1;
}
