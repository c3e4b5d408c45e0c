/* How an arena lies in shared memory:
 *
 *	header | slots | heartbeat lines | object entries | room for objects
 *
 * Nothing but arena.c believes what a header says; all else uses the copies in struct
 * reeve_arena. Words that processes contend for are atomic, and each change that others may see
 * is one store to one of them. */
#ifndef LIB_ARENA_LAYOUT_H
#define LIB_ARENA_LAYOUT_H

#include <stdatomic.h>

#include "reeve/arena.h"
#include "reeve/heartbeat.h"

#define ARENA_MAGIC                                                                                \
	UINT64_C(0x616e657261767231) /* in the order of its bytes: another endianness is no arena */
#define ARENA_VERSION 1u
#define ARENA_GRAIN ((uint64_t)64) /* a cache line: objects begin and end at multiples of it */
#define ARENA_NAME_SIZE (REEVE_ARENA_NAME_MAX + 1)

struct arena_header {
	uint64_t magic;
	uint32_t version;
	uint32_t abi;
	uint64_t size; /* of the whole memfd */
	uint32_t participants;
	uint32_t objects;
	/* What lies beyond was never given out, and is zero. */
	_Atomic uint64_t fresh;
	unsigned char reserved[64 - 40];
};

/* A participant's place. The right to change it is the kernel's lock on its byte (lock.h). */
struct arena_slot {
	_Atomic uint64_t word; /* slot_word() */
	int32_t pid;
	int32_t tid;
	uint64_t start_time;
	uint64_t reserved;
	char name[ARENA_NAME_SIZE];
};

struct heartbeat_line {
	_Atomic uint64_t beats;
	_Atomic uint32_t state;
	char text[REEVE_HEARTBEAT_TEXT_MAX + 1];
	uint32_t reserved[2];
};

/* An object. The right to change it is the kernel's lock on the structure's byte. */
struct object_entry {
	_Atomic uint64_t word; /* serial << 32 | type; type 0: no object */
	uint64_t offset;
	uint64_t size;
	uint64_t reserved;
	char name[ARENA_NAME_SIZE];
};

_Static_assert(sizeof(struct arena_header) == 64, "a cache line");
_Static_assert(sizeof(struct arena_slot) == 64, "a cache line");
_Static_assert(sizeof(struct heartbeat_line) == 64, "a cache line");
_Static_assert(sizeof(struct object_entry) == 64, "a cache line");

/* What a slot's word holds: its state, who sweeps it (a participant's number, 0: a stranger),
 * and how often it was taken. Any state but the first means that what the owner held has to be
 * given back before somebody else may have it. */
enum slot_state { SLOT_FREE, SLOT_TAKEN, SLOT_SWEPT };

static inline uint64_t slot_word(enum slot_state state, unsigned sweeper, uint32_t epoch)
{
	return (uint64_t)epoch << 32 | (uint64_t)(sweeper & 0xffff) << 8 | state;
}

static inline enum slot_state slot_state(uint64_t word)
{
	return word & 0xff;
}

static inline unsigned slot_sweeper(uint64_t word)
{
	return word >> 8 & 0xffff;
}

static inline uint32_t slot_epoch(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* Where what is, for so many participants and objects. */
static inline uint64_t layout_slots(void)
{
	return sizeof(struct arena_header);
}

static inline uint64_t layout_lines(unsigned participants)
{
	return layout_slots() + (uint64_t)participants * sizeof(struct arena_slot);
}

static inline uint64_t layout_entries(unsigned participants)
{
	return layout_lines(participants) + (uint64_t)participants * sizeof(struct heartbeat_line);
}

static inline uint64_t layout_room(unsigned participants, unsigned objects)
{
	return layout_entries(participants) + (uint64_t)objects * sizeof(struct object_entry);
}

#endif
