/* A machine for the configuration reader that is all in a table: files, directories, two users and a group. */
#ifndef TESTS_SUPPORT_MEMORY_SOURCE_H
#define TESTS_SUPPORT_MEMORY_SOURCE_H

#include "config/config.h"

struct memory_file {
	const char *path;
	const char *text; /* NULL: it cannot be read */
};

/* The files of the next readings, up to one without a path. A glob pattern is matched by fnmatch(3). Directories are
 * /, /d, /tmp and /log; users root (0), app (1000:100, home /home/app), groups wheel (10). */
extern const struct memory_file *memory_files;
extern const struct config_source memory_source;
extern int memory_questions; /* that were asked */

/* Read the text as /d/main.conf, as user 0 with a fixed environment: HOME=/home/app, X=xval, PATH=/bin. */
int read_text(const char *text, struct config **ret, struct report *report);

/* A request for what `memory_files` holds at this path. */
struct config_request memory_request(const char *path);

#endif
