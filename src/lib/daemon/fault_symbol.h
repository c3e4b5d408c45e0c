/* What is at an address of this process: the mapped file, the offset in it, and the function, by the file's symbol
 * table. Reads /proc/self/maps and the file with plain system calls: usable in a signal handler, whatever state
 * the heap and the dynamic linker are in. */
#ifndef LIB_DAEMON_FAULT_SYMBOL_H
#define LIB_DAEMON_FAULT_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODULE_PATH_MAX 512
#define SYMBOL_NAME_MAX 128

struct fault_module {
	uintptr_t start;
	uint64_t offset; /* in the file, of what is mapped at `start` */
	uint64_t inode;
	char path[MODULE_PATH_MAX];
};

struct fault_symbol {
	char name[SYMBOL_NAME_MAX];
	uintptr_t offset;  /* of the address, from the symbol's start; only with a name */
	uintptr_t address; /* as the file counts: for addr2line */
	bool has_address;
};

/* Returns whether there is a mapped file at `address` that may be executed. */
bool module_find(uintptr_t address, struct fault_module *ret);

/* The symbol of `address`, which lies in `module`. An empty name where there is none. */
void symbol_find(const struct fault_module *module, uintptr_t address, struct fault_symbol *ret);

/* The symbol of what is at `offset` in the ELF file `fd`, of which nothing is taken on trust. */
void symbol_find_in_file(int fd, uint64_t offset, struct fault_symbol *ret);

#endif
