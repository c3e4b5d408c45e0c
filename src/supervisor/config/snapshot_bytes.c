/* The bytes of a snapshot: a head, then records one after the other, each a fixed part, a key and a value. A record
 * is either a part of the request (path, override, variable, ...) or a question to the source (key) with its answer
 * (result and value). Keys and values are followed by a NUL that their lengths do not count, and hold none inside,
 * but for the values of files, globs and identities.
 *
 * Nothing in it is portable or kept for long: it is read by the program that wrote it, or by its successor after an
 * upgrade, which refuses another version. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/snapshot_records.h"
#include "text/buffer.h"

#define SNAPSHOT_VERSION 1
static const char magic[8] = "reevecfg";

struct head {
	char magic[8];
	uint32_t version;
	uint32_t records;
};

struct record_head {
	uint32_t kind;
	int32_t result;
	uint32_t key_length;
	uint32_t value_length;
};

static void write_record(struct buffer *bytes, const struct record *record)
{
	struct record_head head = {
		.kind = record->kind,
		.result = record->result,
		.key_length = (uint32_t)record->key_length,
		.value_length = (uint32_t)record->value_length,
	};

	buffer_add(bytes, (const char *)&head, sizeof head);
	buffer_add(bytes, record->key, record->key_length);
	buffer_add(bytes, record->value, record->value_length);
}

int config_snapshot_save(const struct config_snapshot *snapshot, int fd)
{
	CLEANUP_BUFFER struct buffer bytes = BUFFER(CONFIG_SNAPSHOT_MAX);
	struct head head = { .version = SNAPSHOT_VERSION, .records = (uint32_t)snapshot->count };
	size_t written = 0;

	memcpy(head.magic, magic, sizeof magic);
	buffer_add(&bytes, (const char *)&head, sizeof head);
	for (size_t i = 0; i < snapshot->count; i++)
		write_record(&bytes, &snapshot->records[i]);
	if (bytes.error)
		return bytes.error == -E2BIG ? -EFBIG : bytes.error;
	while (written < bytes.length) {
		ssize_t n = write(fd, bytes.data + written, bytes.length - written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		written += (size_t)n;
	}
	return 0;
}

/* A result is a negative errno, or what the kind of question can be answered with. */
static bool plausible_result(const struct record_head *head)
{
	if (head->kind == RECORD_READER)
		return true;
	if (head->result < 0)
		return head->kind >= RECORD_FILE && head->result >= -4095;
	return head->result <= (head->kind == RECORD_DIRECTORY || head->kind == RECORD_WRITABLE ||
				       head->kind == RECORD_ASSUME);
}

static bool plausible_identity(const char *value, size_t length)
{
	struct identity_head head;
	const char *name, *end = value + length, *after;

	if (length <= sizeof head)
		return false;
	memcpy(&head, value, sizeof head);
	name = value + sizeof head;
	after = memchr(name, '\0', (size_t)(end - name));
	if (!after)
		return false;
	if (head.flags & IDENTITY_HOME)
		after = after + 1 < end ? memchr(after + 1, '\0', (size_t)(end - after - 1)) : NULL;
	return after && after + 1 == end;
}

static bool plausible_value(const struct record_head *head, const char *value)
{
	size_t length = head->value_length;

	if (head->result < 0 && head->kind >= RECORD_FILE)
		return length == 0;
	switch (head->kind) {
	case RECORD_FILE: return length <= CONFIG_FILE_MAX;
	case RECORD_GLOB: return length == 0 || value[length - 1] == '\0';
	case RECORD_USER:
	case RECORD_GROUP: return plausible_identity(value, length);
	case RECORD_OVERRIDE: return !memchr(value, '\0', length);
	default: return length == 0;
	}
}

static int parse_record(struct config_snapshot *snapshot, const char **at, const char *end)
{
	struct record_head head;
	const char *key, *value;

	if ((size_t)(end - *at) < sizeof head)
		return -EBADMSG;
	memcpy(&head, *at, sizeof head);
	key = *at + sizeof head;
	if (head.kind >= RECORD_KIND_COUNT || head.key_length > (size_t)(end - key) ||
		head.value_length > (size_t)(end - key) - head.key_length)
		return -EBADMSG;
	value = key + head.key_length;
	*at = value + head.value_length;
	if (memchr(key, '\0', head.key_length) || !plausible_result(&head) ||
		!plausible_value(&head, value))
		return -EBADMSG;
	return snapshot_add(snapshot, (struct record){ (enum record_kind)head.kind, head.result,
					      key, value, head.key_length, head.value_length });
}

static bool is_complete(const struct config_snapshot *snapshot)
{
	bool seen[RECORD_FILE] = { 0 };

	for (size_t i = 0; i < snapshot->count; i++)
		if (snapshot->records[i].kind < RECORD_FILE)
			seen[snapshot->records[i].kind] = true;
	return seen[RECORD_PATH] && seen[RECORD_HOST_NAME] && seen[RECORD_WORKING_DIRECTORY] &&
	       seen[RECORD_READER] && seen[RECORD_ASSUME];
}

static int parse_records(struct config_snapshot *snapshot, const char *at, const char *end)
{
	struct head head;
	int r = 0;

	if ((size_t)(end - at) < sizeof head)
		return -EBADMSG;
	memcpy(&head, at, sizeof head);
	if (memcmp(head.magic, magic, sizeof magic) != 0 || head.version != SNAPSHOT_VERSION)
		return -EBADMSG;
	at += sizeof head;
	for (uint32_t i = 0; i < head.records && r == 0; i++)
		r = parse_record(snapshot, &at, end);
	if (r == 0 && (at != end || !is_complete(snapshot)))
		r = -EBADMSG;
	return r;
}

int config_snapshot_parse(const void *bytes, size_t length, struct config_snapshot **ret)
{
	struct config_snapshot *snapshot;
	int r;

	if (length > CONFIG_SNAPSHOT_MAX)
		return -EFBIG;
	snapshot = snapshot_new();
	if (!snapshot)
		return -ENOMEM;
	r = parse_records(snapshot, bytes, (const char *)bytes + length);
	if (r < 0)
		config_snapshot_free(snapshot);
	else
		*ret = snapshot;
	return r;
}

int config_snapshot_load(int fd, struct config_snapshot **ret)
{
	CLEANUP_BUFFER struct buffer bytes = BUFFER(CONFIG_SNAPSHOT_MAX);
	char block[16384];

	for (;;) {
		ssize_t n = pread(fd, block, sizeof block, (off_t)bytes.length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return config_snapshot_parse(buffer_text(&bytes), bytes.length, ret);
		buffer_add(&bytes, block, (size_t)n);
		if (bytes.error)
			return bytes.error == -E2BIG ? -EFBIG : bytes.error;
	}
}
