#include "scribe/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/log.h"
#include "reeve/error.h"
#include "reeve/pipe.h"
#include "scribe/open.h"
#include "scribe/rotation.h"

struct target {
	struct target *next; /* of the same bucket */
	struct target_set *set;
	unsigned users;
	uint32_t hash;

	int fd; /* negative: it could not be opened */
	enum target_kind kind;
	struct journal_file file; /* its path is ours */
	int64_t position;	  /* of a file: where the last write ended */
	int64_t max_bytes, rotate_at; /* rotate_at: max_bytes, or later where it could not be rotated */
	int backups;

	int failing; /* why it can't be written; 0: it can */
	reeve_nsec retry;
	uint64_t dropped;

	char *pending; /* what a full one was given, and has not taken */
	size_t pending_size;
	struct reeve_loop_source *room;
	struct target_waiter *waiters;

	char path[];
};

void target_set_init(struct target_set *set, struct reeve_loop *loop, struct scribe_journal *journal)
{
	memset(set, 0, sizeof *set);
	set->loop = loop;
	set->journal = journal;
}

/* ---- failing, and the end of it ---- */

static void fail(struct target *target, int error)
{
	target->retry = reeve_now() + TARGET_RETRY;
	if (target->failing == 0)
		log_line(LOG_WARN, "log %s cannot be written: %s; output to it is dropped until it can",
			target->path, reeve_error_text(error));
	target->failing = error;
}

static void recovered(struct target *target)
{
	if (target->failing == 0)
		return;
	target->failing = 0;
	log_line(LOG_INFO, "log %s can be written again; %llu bytes were dropped", target->path,
		(unsigned long long)target->dropped);
	target->dropped = 0;
}

/* ---- opening ---- */

static void close_target(struct target *target)
{
	target->room = reeve_loop_source_free(target->room);
	if (target->fd >= 0)
		close(target->fd);
	target->fd = -EBADF;
}

/* Only files are ever rotated. */
static void set_limit(struct target *target)
{
	target->rotate_at = target->kind == TARGET_FILE ? target->max_bytes : 0;
}

static void open_again(struct target *target, bool is_new)
{
	struct opened opened;
	int r;

	close_target(target);
	r = open_target(target->path, target->file.mode, is_new, &opened);
	if (r < 0) {
		fail(target, r);
		return;
	}
	target->fd = opened.fd;
	target->kind = opened.kind;
	target->file.device = opened.status.st_dev;
	target->file.inode = opened.status.st_ino;
	target->position = opened.status.st_size;
	set_limit(target);
}

/* Can it be tried? One that failed is, from time to time, opened anew. */
static bool is_ready(struct target *target)
{
	if (target->failing == 0)
		return true;
	if (reeve_now() < target->retry)
		return false;
	open_again(target, false);
	return target->fd >= 0;
}

/* ---- files ---- */

/* It has reached its size. Where it can't be moved, it grows on, and is tried again after as much again. */
static void rotate(struct target *target)
{
	int r;

	if (target->backups <= 0) {
		if (ftruncate(target->fd, 0) == 0) {
			target->position = 0;
			return;
		}
		r = -errno;
	} else {
		r = rotation_shift(target->path, target->backups);
		if (r == 0) {
			open_again(target, false);
			return;
		}
	}
	log_line(LOG_WARN, "log %s cannot be rotated: %s; it grows on", target->path, reeve_error_text(r));
	target->rotate_at = target->position + target->max_bytes;
}

static void write_file(struct target *target, const char *data, size_t size)
{
	while (size > 0 && is_ready(target)) {
		size_t piece = rotation_cut(data, size, target->position, target->rotate_at);
		ssize_t n;

		if (target->kind == TARGET_FILE)
			journal_place(target->set->journal, &target->file, target->position);
		n = write(target->fd, data, piece);
		if (n <= 0) {
			fail(target, n < 0 ? -errno : -EIO);
			break;
		}
		journal_written(target->set->journal, (size_t)n);
		recovered(target);
		data += n;
		size -= (size_t)n;
		target->position = lseek(target->fd, 0, SEEK_CUR);
		if (target->rotate_at > 0 && target->position >= target->rotate_at)
			rotate(target);
	}
	target->dropped += size;
}

/* ---- what is no file ---- */

static void wake_waiters(struct target *target)
{
	struct target_waiter *waiter = target->waiters, *next;

	target->waiters = NULL;
	for (; waiter; waiter = next) {
		next = waiter->next;
		waiter->resume(waiter);
	}
}

static void have_room(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct target *target = data;
	char *pending = target->pending;
	size_t size = target->pending_size;

	target->pending = NULL;
	target->pending_size = 0;
	target->room = reeve_loop_source_free(target->room);
	if (pending)
		target_write(target, pending, size);
	free(pending);
	if (!target->room)
		wake_waiters(target);
}

/* Full: be told of room. */
static bool watch_for_room(struct target *target)
{
	int r = 0;

	if (!target->room)
		r = reeve_loop_add_fd(target->set->loop, target->fd, REEVE_LOOP_WRITABLE, have_room, target,
			&target->room);
	if (r < 0)
		fail(target, r);
	return r == 0;
}

/* Take what could not be written. */
static bool keep_pending(struct target *target, const char *data, size_t size)
{
	char *more = realloc(target->pending, target->pending_size + size);

	if (!more)
		return false;
	target->pending = more;
	memcpy(target->pending + target->pending_size, data, size);
	target->pending_size += size;
	return true;
}

static void write_other(struct target *target, const char *data, size_t size)
{
	ssize_t n = 0;

	if (!target->room) {
		if (!is_ready(target)) {
			target->dropped += size;
			return;
		}
		n = reeve_pipe_write(target->fd, data, size, 0);
		if (n < 0 && n != -ETIMEDOUT) {
			fail(target, (int)n);
			target->dropped += size;
			return;
		}
		if (n == -ETIMEDOUT)
			n = 0;
		else
			recovered(target);
	}
	if ((size_t)n == size)
		return;
	if (!watch_for_room(target) || !keep_pending(target, data + n, size - (size_t)n))
		target->dropped += size - (size_t)n;
}

void target_write(struct target *target, const char *data, size_t size)
{
	if (target->fd < 0 && !is_ready(target))
		target->dropped += size;
	else if (target->kind == TARGET_FILE || target->kind == TARGET_DESCRIPTOR)
		write_file(target, data, size);
	else
		write_other(target, data, size);
}

bool target_splices(const struct target *target)
{
	return (target->kind == TARGET_PIPE || target->kind == TARGET_NULL) && target->fd >= 0 &&
	       target->failing == 0;
}

size_t target_splice(struct target *target, int pipe, size_t size)
{
	ssize_t n;

	if (target->room)
		return 0;
	n = reeve_pipe_splice(pipe, target->fd, size, 0);
	if (n > 0)
		return (size_t)n;
	if (n == -ETIMEDOUT)
		watch_for_room(target);
	else if (n < 0)
		fail(target, (int)n);
	return 0;
}

bool target_is_full(const struct target *target)
{
	return target->room != NULL;
}

void target_wait(struct target *target, struct target_waiter *waiter)
{
	waiter->next = target->waiters;
	target->waiters = waiter;
}

void target_stop_waiting(struct target *target, struct target_waiter *waiter)
{
	struct target_waiter **at = &target->waiters;

	while (*at && *at != waiter)
		at = &(*at)->next;
	if (*at)
		*at = waiter->next;
}

/* ---- the set ---- */

static uint32_t hash_of(const char *path)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 16777619u;
	return hash;
}

static struct target *find(struct target_set *set, uint32_t hash, const char *path)
{
	struct target *target = set->buckets[hash % TARGET_BUCKETS];

	while (target && (target->hash != hash || strcmp(target->path, path) != 0))
		target = target->next;
	return target;
}

static struct target *make(struct target_set *set, uint32_t hash, const char *path)
{
	size_t size = strlen(path) + 1;
	struct target *target = calloc(1, sizeof *target + size);

	if (!target)
		return NULL;
	target->set = set;
	target->hash = hash;
	target->fd = -EBADF;
	memcpy(target->path, path, size);
	target->file.path = target->path;
	target->next = set->buckets[hash % TARGET_BUCKETS];
	set->buckets[hash % TARGET_BUCKETS] = target;
	return target;
}

int target_acquire(
	struct target_set *set, const struct target_settings *settings, struct target **ret)
{
	uint32_t hash = hash_of(settings->path);
	struct target *target = find(set, hash, settings->path);
	bool exists = target != NULL;

	if (!exists)
		target = make(set, hash, settings->path);
	if (!target)
		return -ENOMEM;
	target->users++;
	target->max_bytes = settings->max_bytes;
	target->backups = settings->backups;
	target->file.mode = settings->mode;
	if (exists)
		set_limit(target);
	else
		open_again(target, settings->is_new);
	*ret = target;
	return 0;
}

static void unlink_from_set(struct target *target)
{
	struct target **at = &target->set->buckets[target->hash % TARGET_BUCKETS];

	while (*at != target)
		at = &(*at)->next;
	*at = target->next;
}

struct target *target_release(struct target *target)
{
	if (!target || --target->users > 0)
		return NULL;
	unlink_from_set(target);
	target->dropped += target->pending_size;
	if (target->dropped > 0)
		log_line(LOG_WARN, "log %s is closed; %llu bytes were dropped", target->path,
			(unsigned long long)target->dropped);
	close_target(target);
	free(target->pending);
	free(target);
	return NULL;
}

/* Files only: what else there is has no name that somebody could have moved. */
static bool is_movable(const struct target *target)
{
	return target->fd < 0 || target->kind == TARGET_FILE;
}

void target_set_reopen(struct target_set *set)
{
	for (size_t i = 0; i < TARGET_BUCKETS; i++)
		for (struct target *target = set->buckets[i]; target; target = target->next)
			if (is_movable(target))
				open_again(target, false);
}

/* Is the path that of a file? One that can't be opened may be anything, a device too. */
static bool names_file(const struct target *target)
{
	struct stat status;

	return stat(target->path, &status) == 0 && S_ISREG(status.st_mode);
}

void target_clear(struct target *target)
{
	if (!is_movable(target))
		return;
	if (names_file(target) && unlink(target->path) < 0)
		log_line(LOG_WARN, "log %s cannot be removed: %s", target->path, reeve_error_text(-errno));
	open_again(target, false);
}

int target_open_to_read(const struct target *target)
{
	struct stat status;
	int fd, r = 0;

	if (target->fd < 0 || target->kind != TARGET_FILE)
		return -ENOENT;
	fd = open(target->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		r = -errno;
	else if (status.st_dev != target->file.device || status.st_ino != target->file.inode)
		r = -ENOENT;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

const struct journal_file *target_file(const struct target *target, struct journal_file *ret)
{
	if (target->fd < 0 || target->kind != TARGET_FILE)
		return NULL;
	*ret = target->file;
	return ret;
}
