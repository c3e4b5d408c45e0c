/* A child asks its parent for a file that only the parent has open, and reads it. The parent
 * answers whom it knows: the kernel tells it who asks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/channel.h"

static int ask(int channel)
{
	struct reeve_channel_info info;
	char text[64] = { 0 };
	int file;

	if (reeve_channel_send(channel, "the file, please", 16, NULL, 0, REEVE_SEC) < 0)
		return 1;
	if (reeve_channel_receive(
		    channel, text, sizeof text - 1, &file, 1, &info, 10 * REEVE_SEC) <= 0)
		return 1;
	printf("child: %d says \"%s\", and sent %zu descriptor\n", (int)info.sender.pid, text,
		info.descriptor_count);
	if (info.descriptor_count != 1 || pread(file, text, sizeof text - 1, 0) < 5)
		return 1;
	printf("child: descriptor %d reads \"%.*s\"\n", file, 5, text);
	fflush(stdout);
	return memcmp(text, "inner", 5) != 0;
}

static int answer(int channel, pid_t child, int file)
{
	struct reeve_channel_info info;
	char text[64];
	ssize_t size =
		reeve_channel_receive(channel, text, sizeof text, NULL, 0, &info, 10 * REEVE_SEC);

	if (size <= 0 || info.sender.pid != child || info.sender.uid != getuid())
		return 1;
	printf("parent: my child %d asks for \"%.*s\"\n", (int)child, (int)size, text);
	fflush(stdout);
	if (reeve_channel_send(channel, "here it is", 10, &file, 1, REEVE_SEC) < 0)
		return 1;
	/* The peer's end is an outcome, not an error. */
	return reeve_channel_receive(channel, text, sizeof text, NULL, 0, NULL, 10 * REEVE_SEC) !=
	       0;
}

int main(void)
{
	FILE *secret = tmpfile();
	int ends[2], status, r;
	pid_t child;

	if (!secret || fputs("inner life\n", secret) < 0 || fflush(secret) != 0 ||
		reeve_channel_pair(ends) < 0)
		return 1;
	child = fork();
	if (child == 0) {
		fclose(secret); /* what the parent sends is not what was inherited */
		close(ends[0]);
		_exit(ask(ends[1]));
	}
	close(ends[1]);
	r = answer(ends[0], child, fileno(secret));
	close(ends[0]);
	fclose(secret);
	return waitpid(child, &status, 0) != child || status != 0 || r;
}
