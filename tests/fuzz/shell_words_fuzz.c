/* Words that were split can be quoted and split again, and are the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "text/buffer.h"
#include "text/shell_words.h"

static void quote(struct buffer *line, const char *word)
{
	buffer_add_char(line, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buffer_add_text(line, "'\\''");
		else
			buffer_add_char(line, *word);
	}
	buffer_add_text(line, "' ");
}

static void check_again(char *const *words, size_t count)
{
	struct buffer line = BUFFER(SIZE_MAX / 2);
	const char *why;
	char **again;
	size_t count_again;

	for (size_t i = 0; i < count; i++)
		quote(&line, words[i]);
	if (shell_words_split(buffer_text(&line), &again, &count_again, &why) < 0 ||
		count_again != count)
		abort();
	for (size_t i = 0; i <= count; i++)
		if ((words[i] && again[i]) ? strcmp(words[i], again[i]) != 0 : words[i] != again[i])
			abort();
	free(again);
	buffer_deinit(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	const char *why = NULL;
	char **words;
	size_t count;
	int r;

	r = shell_words_split(text, &words, &count, &why);
	if (r == 0) {
		check_again(words, count);
		free(words);
	} else if (r != -EINVAL || !why) {
		abort();
	}
	free(text);
	return 0;
}
