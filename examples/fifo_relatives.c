/* A parent listens to three children through one FIFO. They all write at the same time, among it
 * messages larger than the pipe, and yet each message arrives whole (reeve/frame.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/fifo.h"
#include "reeve/frame.h"

enum { CHILDREN = 3, MESSAGES = 4 };

static char message[100000];

/* A child's message is its letter over and over: some short, some longer than the pipe. */
static int talk(const char *path, int child)
{
	int fd = reeve_fifo_open_write(path, 0, 10 * REEVE_SEC), r = fd < 0 ? fd : 0;

	memset(message, 'A' + child, sizeof message);
	for (int i = 0; r == 0 && i < MESSAGES; i++)
		r = reeve_frame_write(
			fd, message, i % 2 ? sizeof message : 10, NULL, 10 * REEVE_SEC);
	return r < 0;
}

static int is_whole(const char *text, size_t size)
{
	for (size_t i = 1; i < size; i++)
		if (text[i] != text[0])
			return 0;
	return size == 10 || size == sizeof message;
}

static int listen_to_all(int fd)
{
	struct reeve_frame_reader *reader;
	int whole = 0;

	if (reeve_frame_reader_new(sizeof message, &reader) < 0)
		return 0;
	while (whole < CHILDREN * MESSAGES) {
		const void *text;
		size_t size;

		if (reeve_frame_read(reader, fd, 20 * REEVE_SEC, &text, &size) != 1)
			break;
		printf("from child %c: %zu bytes\n", *(const char *)text, size);
		whole += is_whole(text, size);
	}
	reeve_frame_reader_free(reader);
	return whole == CHILDREN * MESSAGES;
}

int main(void)
{
	char directory[] = "/tmp/fifo_relatives-XXXXXX", path[64];
	int fd, status, good = 0;

	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof path, "%s/fifo", directory);
	if (reeve_fifo_create(path, 0600) == 0) {
		fd = reeve_fifo_open_read(path, REEVE_FIFO_KEEP_ALIVE, 0);
		for (int i = 0; i < CHILDREN; i++)
			if (fork() == 0)
				_exit(talk(path, i));
		good = fd >= 0 && listen_to_all(fd);
		while (wait(&status) > 0)
			good = good && status == 0;
		close(fd);
	}
	reeve_fifo_remove(path);
	rmdir(directory);
	printf(good ? "every message was whole\n" : "something went wrong\n");
	return !good;
}
