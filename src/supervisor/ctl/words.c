#include "ctl/words.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_command_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void line_parse(const char *text, struct line *ret)
{
	struct span whole = span_strip(span_of(text));
	const char *p = whole.start;

	*ret = (struct line){ .kind = LINE_EMPTY, .whole = whole };
	if (p == whole.end)
		return;
	if (*p == '?') {
		ret->kind = LINE_COMMAND;
		ret->is_question = true;
		ret->arguments = span_strip((struct span){ p + 1, whole.end });
		return;
	}
	while (p < whole.end && is_command_character(*p))
		p++;
	ret->kind = p > whole.start ? LINE_COMMAND : LINE_NO_COMMAND;
	ret->command = (struct span){ whole.start, p };
	ret->arguments = span_strip((struct span){ p, whole.end });
}

/* The next word of `*text`, which becomes what is behind it; false: there is none. */
static bool next_word(struct span *text, struct span *ret)
{
	const char *p;

	*text = span_strip(*text);
	for (p = text->start; p < text->end && space_at(p, text->end) == 0; p++)
		;
	*ret = (struct span){ text->start, p };
	text->start = p;
	return span_length(*ret) > 0;
}

int words_split(struct span text, struct words *ret)
{
	struct words words = { 0 };
	struct span rest = text, word;
	size_t count = 0;

	while (next_word(&rest, &word))
		count++;
	words.list = calloc(count + 1, sizeof *words.list);
	if (!words.list)
		return -ENOMEM;
	for (rest = text; next_word(&rest, &word); words.count++) {
		words.list[words.count] = strndup(word.start, span_length(word));
		if (!words.list[words.count]) {
			words_deinit(&words);
			return -ENOMEM;
		}
	}
	*ret = words;
	return 0;
}

void words_deinit(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->list[i]);
	free(words->list);
	*words = (struct words){ 0 };
}

bool words_have(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->list[i], word) == 0)
			return true;
	return false;
}

struct namespec namespec_of(const char *text)
{
	const char *colon = strchr(text, ':');
	struct span whole = span_of(text);

	if (!colon)
		return (struct namespec){ whole, whole };
	if (!colon[1] || strcmp(colon + 1, "*") == 0)
		return (struct namespec){ { text, colon }, { NULL, NULL } };
	return (struct namespec){ { text, colon }, { colon + 1, whole.end } };
}
