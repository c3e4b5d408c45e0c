/* orphan - a process whose parent died gets a new one: process 1, or the nearest ancestor that
 * wants to be it and buries what it adopts. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/process.h>

/* A parent that starts a child, tells its pid and its own, and dies; the child lives until `go`
 * ends, then tells who its parent is. */
static const char script[] = "(read x <&4; exec sh -c 'echo $PPID' >&3) & echo $!";

static long read_number(int fd)
{
	char text[32];
	ssize_t size = read(fd, text, sizeof text - 1);

	text[size > 0 ? size : 0] = '\0';
	return strtol(text, NULL, 10);
}

/* Make an orphan, and learn who its parent is in the end. */
static long parent_of_an_orphan(long *ret_orphan)
{
	int words[2], go[2];
	struct reeve_process *process;
	long parent;

	if (pipe(words) < 0 || pipe(go) < 0)
		return -1;
	const struct reeve_process_descriptor map[] = { { words[1], 1 }, { words[1], 3 },
		{ go[0], 4 } };
	const struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_CLOSE_REST,
		.shell = script,
		.descriptors = map,
		.descriptor_count = 3,
	};

	if (reeve_process_spawn(&spec, NULL, &process) < 0)
		return -1;
	close(words[1]);
	close(go[0]);
	*ret_orphan = read_number(words[0]);
	reeve_process_wait(process, REEVE_FOREVER, NULL); /* now it is an orphan */
	reeve_process_free(process);
	close(go[1]);
	parent = read_number(words[0]);
	close(words[0]);
	return parent;
}

static bool bury(const struct reeve_process_outcome *outcome, void *data)
{
	char text[64];

	reeve_process_outcome_text(outcome, text, sizeof text);
	printf("orphan %d %s, and is buried\n", (int)outcome->pid, text);
	return true;
}

int main(void)
{
	long orphan, parent = parent_of_an_orphan(&orphan);
	siginfo_t info;
	int buried;

	printf("I am %d; orphan %ld went to process %ld\n", (int)getpid(), orphan, parent);
	if (parent <= 0 || (parent == getpid() && parent != 1))
		return 1;
	if (reeve_process_set_subreaper(true) < 0)
		return 1;
	parent = parent_of_an_orphan(&orphan);
	printf("with me as a subreaper, orphan %ld came to process %ld\n", orphan, parent);
	waitid(P_ALL, 0, &info, WEXITED | WNOWAIT); /* until it is dead */
	buried = reeve_process_reap_orphans(bury, NULL);
	return parent == getpid() && buried == 1 ? 0 : 1;
}
