/* A parent and its child talk in shared memory: each writes its line there, and a byte through a
 * pipe tells the other that it is its turn. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/map.h"
#include "reeve/pipe.h"

enum { LINE = 80, LINES = 6 };

static const char *const script[LINES] = { "Is anybody here?\n", "I am, your child.\n",
	"So we share this page?\n", "This one and as many as you like.\n", "Good night, then.\n",
	"Good night.\n" };

/* Say every second line, beginning with `first`, when it is our turn. */
static int talk(struct reeve_map *map, int first, int my_turn, int your_turn)
{
	int r = 0;
	char byte = 0;

	for (int i = first; r == 0 && i < LINES; i += 2) {
		if (i > 0)
			r = reeve_pipe_read_full(my_turn, &byte, 1, NULL, 10 * REEVE_SEC);
		if (r == 0)
			r = reeve_map_put(map, (size_t)i * LINE, script[i], strlen(script[i]));
		if (r == 0 && i + 1 < LINES)
			r = reeve_pipe_write_full(your_turn, &byte, 1, NULL, REEVE_SEC);
	}
	return r;
}

int main(void)
{
	struct reeve_map *map;
	int to_child[2], to_parent[2], status, same = 0;
	char line[LINE];

	if (reeve_map_anonymous((size_t)LINES * LINE, &map) < 0 ||
		reeve_pipe_open(0, to_child) < 0 || reeve_pipe_open(0, to_parent) < 0)
		return 1;
	if (fork() == 0)
		_exit(talk(map, 1, to_child[0], to_parent[1]) < 0);
	if (talk(map, 0, to_parent[0], to_child[1]) < 0 || wait(&status) < 0 || status != 0)
		return 1;
	for (int i = 0; i < LINES; i++) {
		ssize_t size;

		reeve_map_seek(map, (int64_t)i * LINE, SEEK_SET);
		size = reeve_map_read_line(map, line, sizeof line);
		printf("%s: %.*s", i % 2 ? "child " : "parent", (int)size, line);
		same += size == (ssize_t)strlen(script[i]) &&
			memcmp(line, script[i], (size_t)size) == 0;
	}
	map = reeve_map_free(map);
	return same == LINES ? 0 : 1;
}
