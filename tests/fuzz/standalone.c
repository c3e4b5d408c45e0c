/* Runs a fuzz target where there is no libFuzzer: on each seed, and on what is near it - every prefix, and
 * every byte in turn replaced by the bytes that parsers stumble over. Each seed is one TAP test; a promise that
 * was broken aborts the program, and the input's name is the last thing that it said. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define SEED_MAX ((size_t)1 << 20)	/* a longer file is no seed */
#define NEARBY_MAX ((size_t)2048)	/* a longer seed is tried as it is, without its neighbours */

static const uint8_t awkward[] = { 0, '\n', '"', '%', '\\', 0x7f, 0xff };

/* A copy of exactly the size, so that a sanitizer or valgrind sees a read past its end. */
static void try(const uint8_t *data, size_t size)
{
	uint8_t *copy = calloc(1, size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void try_nearby(uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t kept = data[i];

		try(data, i);
		for (size_t k = 0; k < sizeof awkward; k++) {
			data[i] = awkward[k];
			try(data, size);
		}
		data[i] = kept;
	}
}

static int try_seed(const char *directory, const char *name)
{
	static uint8_t data[SEED_MAX];
	char path[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return -1;
	}
	size = fread(data, 1, sizeof data, file);
	fclose(file);
	printf("# %s: %zu bytes\n", name, size);
	fflush(stdout);
	try(data, size);
	if (size <= NEARBY_MAX)
		try_nearby(data, size);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **entries = NULL;
	int count = argc > 1 ? scandir(argv[1], &entries, NULL, alphasort) : 0, tests = 1, failed = 0;

	try((const uint8_t *)"", 0);
	printf("ok 1 - nothing at all\n");
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			int bad = try_seed(argv[1], entries[i]->d_name) < 0;

			printf("%s %d - %s\n", bad ? "not ok" : "ok", ++tests, entries[i]->d_name);
			failed |= bad;
		}
		free(entries[i]);
	}
	free(entries);
	printf("1..%d\n", tests);
	return failed || count < 0;
}
