#include "lib/daemon/fault_symbol.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "lib/base/sys.h"

/* Caps on what a damaged file may make us read. */
#define SEGMENTS_MAX 256
#define SECTIONS_MAX 4096
#define SYMBOLS_MAX (4u << 20)

#define SYMBOLS_AT_ONCE 64

#if __SIZEOF_POINTER__ == 8
#define NATIVE_CLASS ELFCLASS64
#define SYMBOL_TYPE ELF64_ST_TYPE
#else
#define NATIVE_CLASS ELFCLASS32
#define SYMBOL_TYPE ELF32_ST_TYPE
#endif

/* Read exactly `size` bytes at `offset` plus `index` times `stride`. */
static bool read_at(int fd, void *data, size_t size, uint64_t offset, uint64_t index, uint64_t stride)
{
	uint64_t at;

	if (__builtin_mul_overflow(index, stride, &at) || __builtin_add_overflow(at, offset, &at) ||
		at > (uint64_t)INT64_MAX - size)
		return false;
	return sys_pread(fd, data, size, (off_t)at) == (ssize_t)size;
}

static bool read_header(int fd, ElfW(Ehdr) * ret)
{
	return read_at(fd, ret, sizeof *ret, 0, 0, 0) && memcmp(ret->e_ident, ELFMAG, SELFMAG) == 0 &&
		ret->e_ident[EI_CLASS] == NATIVE_CLASS && ret->e_phentsize == sizeof(ElfW(Phdr)) &&
		ret->e_phnum <= SEGMENTS_MAX;
}

/* From a place in the file to the address that the file gives it. */
static bool find_address(int fd, const ElfW(Ehdr) * header, uint64_t offset, uint64_t *ret)
{
	for (unsigned i = 0; i < header->e_phnum; i++) {
		ElfW(Phdr) segment;

		if (!read_at(fd, &segment, sizeof segment, header->e_phoff, i, sizeof segment))
			return false;
		if (segment.p_type == PT_LOAD && offset >= segment.p_offset &&
			offset - segment.p_offset < segment.p_filesz) {
			*ret = segment.p_vaddr + (offset - segment.p_offset);
			return true;
		}
	}
	return false;
}

static bool read_section(int fd, const ElfW(Ehdr) * header, unsigned index, ElfW(Shdr) * ret)
{
	return index < header->e_shnum &&
		read_at(fd, ret, sizeof *ret, header->e_shoff, index, sizeof *ret);
}

/* The table of all symbols where the file has it, else that of the dynamic ones; and its names. */
static bool find_tables(int fd, const ElfW(Ehdr) * header, ElfW(Shdr) * ret_symbols, ElfW(Shdr) * ret_names)
{
	bool found = false;

	if (header->e_shentsize != sizeof(ElfW(Shdr)) || header->e_shnum > SECTIONS_MAX)
		return false;
	for (unsigned i = 0; i < header->e_shnum; i++) {
		ElfW(Shdr) section;

		if (!read_section(fd, header, i, &section))
			return false;
		if (section.sh_type != SHT_SYMTAB && (section.sh_type != SHT_DYNSYM || found))
			continue;
		*ret_symbols = section;
		found = true;
		if (section.sh_type == SHT_SYMTAB)
			break;
	}
	return found && ret_symbols->sh_entsize == sizeof(ElfW(Sym)) &&
		read_section(fd, header, ret_symbols->sh_link, ret_names);
}

/* A function that holds the address; where its size is not known, one that begins before it. */
static bool is_candidate(const ElfW(Sym) * symbol, uint64_t address)
{
	unsigned type = SYMBOL_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF &&
		symbol->st_value <= address &&
		(symbol->st_size == 0 || address - symbol->st_value < symbol->st_size);
}

static bool find_symbol(int fd, const ElfW(Shdr) * table, uint64_t address, ElfW(Sym) * ret)
{
	uint64_t count = table->sh_size / sizeof(ElfW(Sym));
	bool found = false;

	if (count > SYMBOLS_MAX)
		count = SYMBOLS_MAX;
	for (uint64_t first = 0; first < count; first += SYMBOLS_AT_ONCE) {
		ElfW(Sym) symbols[SYMBOLS_AT_ONCE];
		size_t many = count - first < SYMBOLS_AT_ONCE ? (size_t)(count - first) : SYMBOLS_AT_ONCE;

		if (!read_at(fd, symbols, many * sizeof *symbols, table->sh_offset, first, sizeof *symbols))
			break;
		for (size_t i = 0; i < many; i++) {
			if (!is_candidate(&symbols[i], address) ||
				(found && symbols[i].st_value < ret->st_value))
				continue;
			*ret = symbols[i];
			found = true;
		}
	}
	return found;
}

static void read_name(int fd, const ElfW(Shdr) * names, uint64_t offset, char *ret)
{
	size_t size = SYMBOL_NAME_MAX - 1;

	if (offset >= names->sh_size)
		return;
	if (names->sh_size - offset < size)
		size = (size_t)(names->sh_size - offset);
	if (read_at(fd, ret, size, names->sh_offset, offset, 1))
		ret[size] = '\0';
	else
		ret[0] = '\0';
}

void symbol_find_in_file(int fd, uint64_t offset, struct fault_symbol *ret)
{
	ElfW(Shdr) table, names;
	ElfW(Ehdr) header;
	ElfW(Sym) symbol = { 0 };
	uint64_t address;

	ret->name[0] = '\0';
	ret->has_address = false;
	if (!read_header(fd, &header) || !find_address(fd, &header, offset, &address))
		return;
	ret->address = (uintptr_t)address;
	ret->has_address = true;
	if (!find_tables(fd, &header, &table, &names) || !find_symbol(fd, &table, address, &symbol))
		return;
	ret->offset = (uintptr_t)(address - symbol.st_value);
	read_name(fd, &names, symbol.st_name, ret->name);
}
