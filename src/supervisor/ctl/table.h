/* The rows of `top`: what the server says of its processes, and what this machine says of their pids. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include "ctl/session.h"
#include "ctl/usage.h"

struct table_row {
	char *name; /* owned, as the other texts */
	char *state;
	char *description;
	int64_t state_number;
	pid_t pid;
	bool has_usage;
	double cpu;	  /* per cent of one processor since the last look */
	double cpu_total; /* seconds */
	uint64_t memory;
};

struct table {
	struct table_row *rows;
	size_t count;
	struct usages last;
	reeve_nsec looked; /* when */
};

/* Look again. Pids are looked up only where the server is on this machine. Returns 0 or -1. */
int table_refresh(struct session *session, struct table *table);
void table_deinit(struct table *table);

enum table_order { ORDER_NAME, ORDER_CPU, ORDER_MEMORY, ORDER_STATE };

void table_sort(struct table *table, enum table_order order);

/* "1.2G" */
void table_format_bytes(uint64_t bytes, char text[16]);

#endif
