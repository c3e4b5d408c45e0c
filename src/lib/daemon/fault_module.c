/* A line of /proc/self/maps:
 *
 *	7f0c3a228000-7f0c3a3bd000 r-xp 00028000 fe:01 1835024        /usr/lib/libc.so.6 */
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/daemon/fault_symbol.h"

/* The file, read line by line; what is longer than the buffer is cut. */
struct lines {
	int fd;
	size_t used, next;
	char buffer[2048];
};

/* One character, or -1 at the end. */
static int next_character(struct lines *lines)
{
	if (lines->next == lines->used) {
		ssize_t size = sys_read(lines->fd, lines->buffer, sizeof lines->buffer);

		if (size <= 0)
			return -1;
		lines->used = (size_t)size;
		lines->next = 0;
	}
	return (unsigned char)lines->buffer[lines->next++];
}

static bool next_line(struct lines *lines, char *line, size_t size)
{
	size_t length = 0;
	int character;

	while ((character = next_character(lines)) >= 0 && character != '\n')
		if (length + 1 < size)
			line[length++] = (char)character;
	line[length] = '\0';
	return character >= 0 || length > 0;
}

static uint64_t parse_number(const char **text, unsigned base)
{
	uint64_t value = 0;

	for (;; (*text)++) {
		unsigned digit;

		if (**text >= '0' && **text <= '9')
			digit = (unsigned)(**text - '0');
		else if (**text >= 'a' && **text <= 'f' && base == 16)
			digit = (unsigned)(**text - 'a') + 10;
		else
			return value;
		value = value * base + digit;
	}
}

static void skip_word(const char **text)
{
	while (**text && **text != ' ')
		(*text)++;
	while (**text == ' ')
		(*text)++;
}

/* Whether the line is that of an executable mapping of a file that holds `address`. */
static bool parse_line(const char *line, uintptr_t address, struct fault_module *ret)
{
	uint64_t start, end;
	size_t length = 0;

	start = parse_number(&line, 16);
	if (*line++ != '-')
		return false;
	end = parse_number(&line, 16);
	skip_word(&line);
	if (address < start || address >= end || !*line || line[1] == '\0' || line[2] != 'x')
		return false;
	skip_word(&line);
	ret->start = (uintptr_t)start;
	ret->offset = parse_number(&line, 16);
	skip_word(&line);
	skip_word(&line);
	ret->inode = parse_number(&line, 10);
	skip_word(&line);
	while (line[length] && length + 1 < sizeof ret->path) {
		ret->path[length] = line[length];
		length++;
	}
	ret->path[length] = '\0';
	return length > 0;
}

bool module_find(uintptr_t address, struct fault_module *ret)
{
	CLEANUP_FD int fd = sys_open("/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
	struct lines lines = { .fd = fd };
	char line[MODULE_PATH_MAX + 128];

	while (fd >= 0 && next_line(&lines, line, sizeof line))
		if (parse_line(line, address, ret))
			return true;
	return false;
}

void symbol_find(const struct fault_module *module, uintptr_t address, struct fault_symbol *ret)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat file;

	ret->name[0] = '\0';
	ret->has_address = false;
	if (module->path[0] != '/')
		return;
	fd = sys_open(module->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	/* It may have been replaced since it was mapped. */
	if (fd < 0 || sys_fstat(fd, &file) < 0 || file.st_ino != module->inode || !S_ISREG(file.st_mode))
		return;
	symbol_find_in_file(fd, address - module->start + module->offset, ret);
}
