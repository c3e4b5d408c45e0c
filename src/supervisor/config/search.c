#include "config/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/buffer.h"

/* The first two are relative to the folder above the one that the program was called in. */
static const char *const names[] = {
	"etc/supervisord.conf",
	"supervisord.conf",
	"supervisord.conf",
	"etc/supervisord.conf",
	"/etc/supervisord.conf",
	"/etc/supervisor/supervisord.conf",
};
enum { NAMES = sizeof names / sizeof *names, BESIDE = 2 };

/* How much of "PREFIX/bin/program" is "PREFIX". */
static size_t prefix_length(const char *program)
{
	const char *slash = strrchr(program, '/');

	if (!slash)
		return 0;
	while (slash > program && slash[-1] != '/')
		slash--;
	while (slash > program && slash[-1] == '/')
		slash--;
	return (size_t)(slash - program);
}

static void add_path(struct buffer *buffer, const char *program, size_t i)
{
	size_t length = i < BESIDE ? prefix_length(program) : 0;

	if (length) {
		buffer_add(buffer, program, length);
		buffer_add_char(buffer, '/');
	}
	buffer_add_text(buffer, names[i]);
}

int config_search(const char *program, char **ret, char **ret_list)
{
	CLEANUP_BUFFER struct buffer list = BUFFER(SIZE_MAX / 2);

	for (size_t i = 0; i < NAMES; i++) {
		CLEANUP_BUFFER struct buffer path = BUFFER(SIZE_MAX / 2);
		char *text;

		add_path(&path, program, i);
		if (i > 0)
			buffer_add_text(&list, ", ");
		buffer_add_text(&list, buffer_text(&path));
		text = buffer_take(&path);
		if (!text)
			return -ENOMEM;
		if (access(text, F_OK) == 0) {
			*ret = text;
			return 0;
		}
		free(text);
	}
	if (ret_list) {
		char *text = buffer_take(&list);

		if (!text)
			return -ENOMEM;
		*ret_list = text;
	}
	return -ENOENT;
}
