/* Two strangers talk through a FIFO, of which they know but the path.
 *
 *	fifo_chat read PATH          prints what comes, until "bye"
 *	fifo_chat write PATH TEXT    says one thing and leaves
 *	fifo_chat                    both, as programs of their own: three writers one after the other, and a
 *	                             reader that outlives them */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/fifo.h"
#include "reeve/pipe.h"

static int read_all(const char *path)
{
	int fd = reeve_fifo_open_read(path, REEVE_FIFO_KEEP_ALIVE, 0);
	ssize_t size = fd;
	char text[256];

	while (size >= 0) {
		size = reeve_pipe_read(fd, text, sizeof text, 30 * REEVE_SEC);
		if (size > 0)
			printf("heard: %.*s\n", (int)size, text);
		if (size >= 3 && memcmp(text + size - 3, "bye", 3) == 0)
			break;
	}
	if (fd >= 0)
		close(fd);
	return size < 0 ? (int)size : 0;
}

static int write_one(const char *path, const char *text)
{
	int fd = reeve_fifo_open_write(path, 0, 30 * REEVE_SEC), r = fd;

	if (fd >= 0) {
		r = reeve_pipe_write_full(fd, text, strlen(text), NULL, REEVE_SEC);
		close(fd);
	}
	return r;
}

static pid_t start(const char *program, const char *what, const char *path, const char *text)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl(program, program, what, path, text, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static int succeeded(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

static int demonstrate(const char *program)
{
	static const char *const said[] = { "good morning", "and again, restarted", "bye" };
	char directory[] = "/tmp/fifo_chat-XXXXXX", path[64];
	int good;
	pid_t reader;

	if (!mkdtemp(directory))
		return -errno;
	snprintf(path, sizeof path, "%s/fifo", directory);
	good = reeve_fifo_create(path, 0600) == 0;
	reader = start(program, "read", path, NULL);
	for (size_t i = 0; good && i < 3; i++)
		good = succeeded(start(program, "write", path, said[i]));
	good = succeeded(reader) && good;
	reeve_fifo_remove(path);
	rmdir(directory);
	return good ? 0 : -EIO;
}

int main(int argc, char **argv)
{
	int r = -EINVAL;

	if (argc == 1)
		r = demonstrate("/proc/self/exe");
	else if (argc == 3 && strcmp(argv[1], "read") == 0)
		r = read_all(argv[2]);
	else if (argc == 4 && strcmp(argv[1], "write") == 0)
		r = write_one(argv[2], argv[3]);
	if (r < 0)
		fprintf(stderr, "fifo_chat: %s\n", strerror(-r));
	return r < 0;
}
