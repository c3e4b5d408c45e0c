/* What a snapshot is made of. */
#ifndef CONFIG_SNAPSHOT_RECORDS_H
#define CONFIG_SNAPSHOT_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "config/snapshot.h"
#include "text/arena.h"

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

/* An identity as a value: ids and flags, the name, and the home if there is one, each with its NUL. */
enum { IDENTITY_ID_ASSUMED = 1, IDENTITY_PRIMARY_ASSUMED = 2, IDENTITY_HOME = 4 };

struct identity_head {
	uint32_t uid, gid, flags;
};

struct config_snapshot *snapshot_new(void);

/* One more record; its key and value are copied. -ENOMEM. */
int snapshot_add(struct config_snapshot *snapshot, struct record record);

#endif
