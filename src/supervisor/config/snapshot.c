/* Taking a snapshot is reading with a source that remembers its answers; reading from one is reading with a source
 * that has them already. */
#include "config/snapshot.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/request.h"
#include "config/snapshot_records.h"
#include "text/buffer.h"

struct config_snapshot *snapshot_new(void)
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

int snapshot_add(struct config_snapshot *snapshot, struct record record)
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
		r = snapshot_add(snapshot,
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
	struct config_snapshot *snapshot = snapshot_new();
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
