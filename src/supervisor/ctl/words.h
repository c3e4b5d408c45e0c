/* A command line as supervisorctl takes it apart: a command's name, and words between what Python calls white space. */
#ifndef CTL_WORDS_H
#define CTL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "text/unicode.h"

enum line_kind {
	LINE_EMPTY,
	LINE_COMMAND,
	LINE_NO_COMMAND, /* it begins with what no command begins with */
};

/* `?x` is `help x`. Spans are parts of the line. */
struct line {
	enum line_kind kind;
	struct span whole; /* without blanks around it */
	bool is_question;  /* the `?`, of which `whole` and `command` know nothing */
	struct span command;
	struct span arguments;
};

void line_parse(const char *text, struct line *ret);

struct words {
	char **list; /* NULL-terminated */
	size_t count;
};

/* -ENOMEM. */
int words_split(struct span text, struct words *ret);
void words_deinit(struct words *words);
bool words_have(const struct words *words, const char *word);

static inline void cleanup_words(struct words *words)
{
	words_deinit(words);
}

#define CLEANUP_WORDS __attribute__((cleanup(cleanup_words)))

/* A name as the user gives it: `x` is process x of group x, `g:p` process p of group g, `g:*` and `g:` all of g. */
struct namespec {
	struct span group;
	struct span process; /* start NULL: all of the group */
};

struct namespec namespec_of(const char *text);

#endif
