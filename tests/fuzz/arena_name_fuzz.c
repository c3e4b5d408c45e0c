/* The file of a name, of any bytes, held or not: asking for the name, giving it, taking it away and
 * cleaning end in answers, and never in another file than the arena; afterwards it can be had.
 *
 * Of the first byte, bit 0 says whether somebody holds the name, and bit 1 whether the rest is the
 * whole file, or is laid over a good one from the place on that the second byte says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "lib/arena/name_directory.h"
#include "reeve/arena.h"

#define NAME "fuzz"
#define FILE_MAX 512

static char parent[] = "/tmp/reeve-fuzz-XXXXXX";
static char path[128];
static const struct reeve_arena_spec spec = { .size = 64, .participants = 1, .objects = 1 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void clear(void)
{
	char directory[64];

	snprintf(directory, sizeof directory, "%s/reeve-%u", parent, (unsigned)geteuid());
	snprintf(path, sizeof path, "%s/.lock", directory);
	unlink(path);
	rmdir(directory);
	rmdir(parent);
}

static void set_up(void)
{
	if (name_directory_parent == parent)
		return;
	require(mkdtemp(parent) != NULL);
	name_directory_parent = parent;
	atexit(clear);
	require(reeve_arena_names_clean(0) == 0);
	snprintf(path, sizeof path, "%s/reeve-%u/" NAME, parent, (unsigned)geteuid());
}

/* What the file is to hold: returns how many bytes. */
static size_t make_bytes(const uint8_t *data, size_t size, unsigned char bytes[FILE_MAX])
{
	size_t whole = 0, at = data[0] & 2 ? 0 : data[1];
	int fd = open(path, O_RDONLY);
	ssize_t n = pread(fd, bytes, FILE_MAX, 0);

	require(n > 0);
	close(fd);
	if (!(data[0] & 2))
		whole = (size_t)n;
	for (size_t i = 2; i < size && at < FILE_MAX; i++)
		bytes[at++] = data[i];
	return at > whole ? at : whole;
}

static void ask(struct reeve_arena *right)
{
	struct stat is, should;
	struct reeve_arena *found, *other;
	int r = reeve_arena_connect(NAME, NULL, 0, &found);

	require(r == 0 || r == -ENOENT || r == -EUCLEAN || r == -ETIMEDOUT || r == -EMEDIUMTYPE);
	if (r == 0) {
		require(fstat(reeve_arena_fd(found), &is) == 0 &&
			fstat(reeve_arena_fd(right), &should) == 0 && is.st_ino == should.st_ino);
		reeve_arena_free(found);
	}
	require(reeve_arena_new(&spec, &other) == 0);
	r = reeve_arena_publish(other, NAME, 0);
	require(r == 0 || r == -EEXIST);
	reeve_arena_free(other);
	require(reeve_arena_names_clean(0) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	struct reeve_arena *arena, *again, *right;
	unsigned char bytes[FILE_MAX];
	size_t whole;
	int fd;

	set_up();
	if (size < 2 || size > FILE_MAX)
		return 0;
	require(reeve_arena_connect(NAME, &spec, 0, &arena) == 1);
	require(reeve_arena_open(reeve_arena_fd(arena), &right) == 0);
	whole = make_bytes(data, size, bytes);
	reeve_arena_free(arena);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	require(fd >= 0 && pwrite(fd, bytes, whole, 0) == (ssize_t)whole);
	if (data[0] & 1)
		require(fcntl(fd, F_OFD_SETLK, &lock) == 0);
	ask(right);
	reeve_arena_free(right);
	(void)reeve_arena_unpublish(NAME, 0);
	close(fd);
	require(reeve_arena_connect(NAME, &spec, 0, &again) == 1);
	reeve_arena_free(again);
	require(access(path, F_OK) < 0);
	return 0;
}
