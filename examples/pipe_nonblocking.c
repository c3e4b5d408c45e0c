/* A pipe that is written to without waiting: how much it takes, how one goes on, and what
 * happens when nobody reads any more. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reeve/pipe.h"

#define SIZE 200000

int main(void)
{
	char *sent = malloc(SIZE), *received = malloc(SIZE);
	size_t written = 0, taken = 0;
	int ends[2], r, turns = 0;

	if (!sent || !received || reeve_pipe_open(REEVE_PIPE_NONBLOCKING_WRITE, ends) < 0)
		return 1;
	memset(sent, 'x', SIZE);
	printf("a pipe of %zd bytes is to carry %d\n", reeve_pipe_size(ends[0]), SIZE);
	do {
		/* A timeout of 0: as much as fits, at once. `written` knows how far it came. */
		r = reeve_pipe_write_full(ends[1], sent, SIZE, &written, 0);
		printf("written %6zu, waiting in the pipe %5zd: %s\n", written,
			reeve_pipe_available(ends[0]), r == 0 ? "done" : strerror(-r));
		reeve_pipe_read_full(ends[0], received, SIZE, &taken, 0);
		turns++;
	} while (r == -ETIMEDOUT);
	if (r < 0 || taken != SIZE || turns < 2 || memcmp(sent, received, SIZE) != 0)
		return 1;

	close(ends[0]);
	r = (int)reeve_pipe_write(ends[1], sent, 1, 0);
	printf("nobody reads any more: %s, and the program lives\n", strerror(-r));
	close(ends[1]);
	free(sent);
	free(received);
	return r == -EPIPE ? 0 : 1;
}
