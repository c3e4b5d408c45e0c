#include "text/shell_words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The words lie one after the other behind the vector, in the same block: a word is never longer
 * than its source, and the terminating NULs fit where the separating blanks were, plus one at the
 * very end. */
struct splitter {
	char **words; /* NULL in the first pass, which counts */
	size_t count;
	char *out;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void put(struct splitter *splitter, char c)
{
	if (splitter->words)
		*splitter->out++ = c;
}

static void begin_word(struct splitter *splitter)
{
	if (splitter->words)
		splitter->words[splitter->count] = splitter->out;
	splitter->count++;
}

/* The text inside a pair of quotes; returns what follows the closing one, NULL with the reason if
 * there is none. */
static const char *quoted(
	struct splitter *splitter, const char *text, char quote, const char **ret_why)
{
	for (; *text != quote; text++) {
		if (*text == '\\' && quote == '"') {
			text++;
			if (*text && *text != '"' && *text != '\\')
				put(splitter, '\\');
			if (!*text) {
				*ret_why = "No escaped character";
				return NULL;
			}
		}
		if (!*text) {
			*ret_why = "No closing quotation";
			return NULL;
		}
		put(splitter, *text);
	}
	return text + 1;
}

static const char *word(struct splitter *splitter, const char *text, const char **ret_why)
{
	begin_word(splitter);
	while (*text && !is_blank(*text)) {
		if (*text == '\'' || *text == '"') {
			text = quoted(splitter, text + 1, *text, ret_why);
			if (!text)
				return NULL;
			continue;
		}
		if (*text == '\\' && !*++text) {
			*ret_why = "No escaped character";
			return NULL;
		}
		put(splitter, *text++);
	}
	put(splitter, '\0');
	return text;
}

static int split(struct splitter *splitter, const char *text, const char **ret_why)
{
	splitter->count = 0;
	for (;;) {
		while (is_blank(*text))
			text++;
		if (!*text)
			return 0;
		text = word(splitter, text, ret_why);
		if (!text)
			return -EINVAL;
	}
}

int shell_words_split(const char *text, char ***ret, size_t *ret_count, const char **ret_why)
{
	struct splitter splitter = { 0 };
	size_t vector, length = strlen(text);
	int r = split(&splitter, text, ret_why);

	if (r < 0)
		return r;
	vector = (splitter.count + 1) * sizeof *splitter.words;
	splitter.words = malloc(vector + length + 1);
	if (!splitter.words)
		return -ENOMEM;
	splitter.out = (char *)splitter.words + vector;
	split(&splitter, text, ret_why);
	splitter.words[splitter.count] = NULL;
	*ret = splitter.words;
	*ret_count = splitter.count;
	return 0;
}
