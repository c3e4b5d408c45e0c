/* The bytes of a snapshot: a head, then records one after the other, each a fixed part, a key and a value. A record
 * is either a part of the request (path, override, variable, ...) or a question to the source (key) with its answer
 * (result and value). Keys and values are followed by a NUL that their lengths do not count, and hold none inside,
 * but for the values of files, globs and identities.
 *
 * Nothing in it is portable or kept for long: it is read by the program that wrote it, or by its successor after an
 * upgrade, which refuses another version. */
#include "config/snapshot.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/request.h"
#include "text/arena.h"
#include "text/buffer.h"

#define SNAPSHOT_VERSION 1
static const char magic[8] = "reevecfg";

enum record_kind {
	RECORD_PATH,
	RECORD_HOST_NAME,
	RECORD_WORKING_DIRECTORY,
	RECORD_READER, /* result: the user id */
	RECORD_ASSUME, /* result: 0 or 1 */
	RECORD_OVERRIDE,
	RECORD_VARIABLE,
	RECORD_FILE, /* questions from here on */
	RECORD_GLOB,
	RECORD_USER,
	RECORD_GROUP,
	RECORD_DIRECTORY,
	RECORD_WRITABLE,
	RECORD_KIND_COUNT,
};

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

struct record {
	enum record_kind kind;
	int result;
	const char *key, *value;
	size_t key_length, value_length;
};

struct config_snapshot {
	struct arena *arena; /* of keys and values */
	struct record *records;
	size_t count, capacity;
	const struct config_source *source; /* while it is taken */
	int error;                          /* likewise: -ENOMEM sticks */
};

static struct config_snapshot *new_snapshot(void)
{
	struct config_snapshot *snapshot = calloc(1, sizeof *snapshot);

	if (!snapshot)
		return NULL;
	snapshot->arena = arena_new();
	return snapshot->arena ? snapshot : config_snapshot_free(snapshot);
}

struct config_snapshot *config_snapshot_free(struct config_snapshot *snapshot)
{
	if (snapshot) {
		arena_free(snapshot->arena);
		free(snapshot->records);
	}
	free(snapshot);
	return NULL;
}

static int add_record(struct config_snapshot *snapshot, struct record record)
{
	if (snapshot->count == snapshot->capacity) {
		size_t capacity = snapshot->capacity ? snapshot->capacity * 2 : 64;
		struct record *records = reallocarray(snapshot->records, capacity, sizeof *records);

		if (!records)
			return -ENOMEM;
		snapshot->records = records;
		snapshot->capacity = capacity;
	}
	record.key = arena_copy(snapshot->arena, record.key, record.key_length);
	record.value = arena_copy(snapshot->arena, record.value, record.value_length);
	if (!record.key || !record.value)
		return -ENOMEM;
	snapshot->records[snapshot->count++] = record;
	return 0;
}

static const struct record *find_record(
	const struct config_snapshot *snapshot, enum record_kind kind, const char *key)
{
	for (size_t i = 0; i < snapshot->count; i++)
		if (snapshot->records[i].kind == kind && strcmp(snapshot->records[i].key, key) == 0)
			return &snapshot->records[i];
	return NULL;
}

/* ---- taking one ---- */

static int remember(struct config_snapshot *snapshot, enum record_kind kind, const char *key,
	int result, const char *value, size_t value_length)
{
	int r = 0;

	if (kind < RECORD_FILE || !find_record(snapshot, kind, key))
		r = add_record(snapshot,
			(struct record){ kind, result, key, value, strlen(key), value_length });
	if (r < 0)
		snapshot->error = r;
	return r < 0 ? r : result;
}

static int take_read(void *context, const char *path, struct config_answer *ret)
{
	struct config_snapshot *snapshot = context;
	struct config_answer answer = { 0 };
	int r = snapshot->source->read(snapshot->source->context, path, &answer);

	r = remember(snapshot, RECORD_FILE, path, r, answer.bytes, answer.length);
	if (r < 0)
		free(answer.bytes);
	else
		*ret = answer;
	return r;
}

static int take_glob(void *context, const char *pattern, struct config_answer *ret)
{
	struct config_snapshot *snapshot = context;
	struct config_answer answer = { 0 };
	int r = snapshot->source->glob(snapshot->source->context, pattern, &answer);

	r = remember(snapshot, RECORD_GLOB, pattern, r, answer.bytes, answer.length);
	if (r < 0)
		free(answer.bytes);
	else
		*ret = answer;
	return r;
}

/* An identity as a value: ids and flags, the name, and the home if there is one, each with its NUL. */
enum { IDENTITY_ID_ASSUMED = 1, IDENTITY_PRIMARY_ASSUMED = 2, IDENTITY_HOME = 4 };

struct identity_head {
	uint32_t uid, gid, flags;
};

static int take_identity(struct config_snapshot *snapshot, enum record_kind kind, const char *name,
	int result, struct config_identity *identity, struct config_identity *ret)
{
	CLEANUP_BUFFER struct buffer value = BUFFER(SIZE_MAX / 2);
	struct identity_head head = {
		.uid = identity->uid,
		.gid = identity->gid,
		.flags = (identity->id_assumed ? IDENTITY_ID_ASSUMED : 0) |
			 (identity->primary_assumed ? IDENTITY_PRIMARY_ASSUMED : 0) |
			 (identity->home ? IDENTITY_HOME : 0),
	};
	int r;

	if (result == 0) {
		buffer_add(&value, (const char *)&head, sizeof head);
		buffer_add(&value, identity->name, strlen(identity->name) + 1);
		if (identity->home)
			buffer_add(&value, identity->home, strlen(identity->home) + 1);
	}
	r = value.error ? -ENOMEM
			: remember(snapshot, kind, name, result, buffer_text(&value), value.length);
	if (r < 0) {
		free(identity->name);
		free(identity->home);
		return r;
	}
	*ret = *identity;
	return 0;
}

static int take_user(void *context, const char *name, struct config_identity *ret)
{
	struct config_snapshot *snapshot = context;
	struct config_identity identity = { 0 };
	int r = snapshot->source->find_user(snapshot->source->context, name, &identity);

	return take_identity(snapshot, RECORD_USER, name, r, &identity, ret);
}

static int take_group(void *context, const char *name, struct config_identity *ret)
{
	struct config_snapshot *snapshot = context;
	struct config_identity identity = { 0 };
	int r = snapshot->source->find_group(snapshot->source->context, name, &identity);

	return take_identity(snapshot, RECORD_GROUP, name, r, &identity, ret);
}

static int take_directory(void *context, const char *path)
{
	struct config_snapshot *snapshot = context;
	int r = snapshot->source->is_directory(snapshot->source->context, path);

	return remember(snapshot, RECORD_DIRECTORY, path, r, "", 0);
}

static int take_writable(void *context, const char *path)
{
	struct config_snapshot *snapshot = context;
	int r = snapshot->source->is_writable_directory(snapshot->source->context, path);

	return remember(snapshot, RECORD_WRITABLE, path, r, "", 0);
}

static void remember_request(struct config_snapshot *snapshot, const struct config_request *request)
{
	remember(snapshot, RECORD_PATH, request->path, 0, "", 0);
	remember(snapshot, RECORD_HOST_NAME, request->host_name, 0, "", 0);
	remember(snapshot, RECORD_WORKING_DIRECTORY, request->working_directory, 0, "", 0);
	remember(snapshot, RECORD_READER, "", (int)*request->uid, "", 0);
	remember(snapshot, RECORD_ASSUME, "", request->assume, "", 0);
	for (size_t i = 0; i < request->override_count; i++) {
		const struct config_override *override = &request->overrides[i];

		remember(snapshot, RECORD_OVERRIDE, override->key, 0, override->value,
			strlen(override->value));
	}
	for (const char *const *variable = request->environment; variable && *variable; variable++)
		remember(snapshot, RECORD_VARIABLE, *variable, 0, "", 0);
}

int config_snapshot_take(const struct config_request *request,
	struct config_snapshot **ret_snapshot, struct config **ret, struct report *report)
{
	struct config_snapshot *snapshot = new_snapshot();
	struct config_source recorder = {
		.read = take_read,
		.glob = take_glob,
		.find_user = take_user,
		.find_group = take_group,
		.is_directory = take_directory,
		.is_writable_directory = take_writable,
		.context = snapshot,
	};
	struct settled_request settled;
	int r;

	if (!snapshot)
		return -ENOMEM;
	settle_request(request, &settled);
	remember_request(snapshot, &settled.request);
	snapshot->source = settled.request.source;
	settled.request.source = &recorder;
	r = config_read(&settled.request, ret, report);
	snapshot->source = NULL;
	if (snapshot->error) {
		if (r == 0)
			*ret = config_free(*ret);
		r = snapshot->error;
	}
	if (r == -ENOMEM)
		config_snapshot_free(snapshot);
	else
		*ret_snapshot = snapshot;
	return r;
}

/* ---- reading from one ---- */

static int answer(const struct config_snapshot *snapshot, enum record_kind kind, const char *key,
	struct config_answer *ret)
{
	const struct record *record = find_record(snapshot, kind, key);
	char *bytes;

	if (!record)
		return -ENOENT;
	if (record->result < 0)
		return record->result;
	bytes = malloc(record->value_length + 1);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, record->value, record->value_length + 1);
	*ret = (struct config_answer){ bytes, record->value_length };
	return 0;
}

static int replay_read(void *context, const char *path, struct config_answer *ret)
{
	return answer(context, RECORD_FILE, path, ret);
}

static int replay_glob(void *context, const char *pattern, struct config_answer *ret)
{
	return answer(context, RECORD_GLOB, pattern, ret);
}

static int replay_identity(const struct config_snapshot *snapshot, enum record_kind kind,
	const char *key, struct config_identity *ret)
{
	const struct record *record = find_record(snapshot, kind, key);
	struct config_identity identity;
	struct identity_head head;
	const char *name;

	if (!record)
		return -ENOENT;
	if (record->result < 0)
		return record->result;
	memcpy(&head, record->value, sizeof head);
	name = record->value + sizeof head;
	identity = (struct config_identity){
		.name = strdup(name),
		.home = head.flags & IDENTITY_HOME ? strdup(name + strlen(name) + 1) : NULL,
		.uid = head.uid,
		.gid = head.gid,
		.id_assumed = head.flags & IDENTITY_ID_ASSUMED,
		.primary_assumed = head.flags & IDENTITY_PRIMARY_ASSUMED,
	};
	if (!identity.name || (head.flags & IDENTITY_HOME && !identity.home)) {
		free(identity.name);
		free(identity.home);
		return -ENOMEM;
	}
	*ret = identity;
	return 0;
}

static int replay_user(void *context, const char *name, struct config_identity *ret)
{
	return replay_identity(context, RECORD_USER, name, ret);
}

static int replay_group(void *context, const char *name, struct config_identity *ret)
{
	return replay_identity(context, RECORD_GROUP, name, ret);
}

static int replay_directory(void *context, const char *path)
{
	const struct record *record = find_record(context, RECORD_DIRECTORY, path);

	return record ? record->result : 0;
}

static int replay_writable(void *context, const char *path)
{
	const struct record *record = find_record(context, RECORD_WRITABLE, path);

	return record ? record->result : 0;
}

struct remembered_request {
	struct config_request request;
	struct config_override *overrides;
	const char **environment;
	size_t variable_count;
	uid_t uid;
};

static void recall(struct remembered_request *remembered, const struct record *record)
{
	struct config_request *request = &remembered->request;

	switch (record->kind) {
	case RECORD_PATH: request->path = record->key; break;
	case RECORD_HOST_NAME: request->host_name = record->key; break;
	case RECORD_WORKING_DIRECTORY: request->working_directory = record->key; break;
	case RECORD_READER: remembered->uid = (uid_t)record->result; break;
	case RECORD_ASSUME: request->assume = record->result != 0; break;
	case RECORD_OVERRIDE:
		remembered->overrides[request->override_count++] =
			(struct config_override){ record->key, record->value };
		break;
	case RECORD_VARIABLE:
		remembered->environment[remembered->variable_count++] = record->key;
		break;
	default: break;
	}
}

int config_snapshot_read(
	const struct config_snapshot *snapshot, struct config **ret, struct report *report)
{
	/* The functions above only look at it. */
	union {
		const struct config_snapshot *snapshot;
		void *context;
	} context = { snapshot };
	const struct config_source player = {
		.read = replay_read,
		.glob = replay_glob,
		.find_user = replay_user,
		.find_group = replay_group,
		.is_directory = replay_directory,
		.is_writable_directory = replay_writable,
		.context = context.context,
	};
	struct remembered_request remembered = {
		.overrides = calloc(snapshot->count + 1, sizeof *remembered.overrides),
		.environment = calloc(snapshot->count + 1, sizeof *remembered.environment),
	};
	int r = -ENOMEM;

	if (remembered.overrides && remembered.environment) {
		for (size_t i = 0; i < snapshot->count; i++)
			recall(&remembered, &snapshot->records[i]);
		remembered.request.source = &player;
		remembered.request.overrides = remembered.overrides;
		remembered.request.environment = remembered.environment;
		remembered.request.uid = &remembered.uid;
		r = config_read(&remembered.request, ret, report);
	}
	free(remembered.overrides);
	free(remembered.environment);
	return r;
}

/* ---- to bytes and back ---- */

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
	return add_record(snapshot, (struct record){ (enum record_kind)head.kind, head.result, key,
					    value, head.key_length, head.value_length });
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
	snapshot = new_snapshot();
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
