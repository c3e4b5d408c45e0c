/* A map as map.c makes it and map_access.c uses it. */
#ifndef LIB_FD_MAP_OBJECT_H
#define LIB_FD_MAP_OBJECT_H

#include "reeve/map.h"

struct reeve_map {
	char *data; /* its first byte: `lead` bytes into the first page that is mapped */
	size_t size;
	size_t lead;
	uint64_t offset; /* of the first byte, in what is beneath */
	size_t cursor;
	int fd;
	enum reeve_map_access access;
	bool can_shrink; /* what is beneath may go away, so touching it may raise SIGBUS */
};

/* Whether `size` bytes at `offset` lie wholly inside the map. */
static inline bool map_contains(const struct reeve_map *map, size_t offset, size_t size)
{
	return offset <= map->size && size <= map->size - offset;
}

/* What is beneath ends before `end` bytes of the map: -ENODATA; or another error; or 0. */
int map_check_end(const struct reeve_map *map, size_t end);

#endif
