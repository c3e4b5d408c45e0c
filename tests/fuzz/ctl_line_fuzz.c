/* A command line is taken apart within its bounds: a command of letters, arguments without blanks around them, words without blanks,
 * which are all of the line that is no blank. */
#include <stdlib.h>
#include <string.h>

#include "ctl/words.h"
#include "fuzz/fuzz.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_within(const char *text, struct span span)
{
	check(span.start >= text && span.start <= span.end && span.end <= text + strlen(text));
}

static size_t blanks(struct span span)
{
	size_t count = 0;

	for (const char *p = span.start; p < span.end;) {
		size_t length = space_at(p, span.end);

		count += length;
		p += length ? length : 1;
	}
	return count;
}

static void check_words(const char *text)
{
	CLEANUP_WORDS struct words words = { 0 };
	size_t total = 0;

	check(words_split(span_of(text), &words) == 0);
	for (size_t i = 0; i < words.count; i++) {
		struct namespec name = namespec_of(words.list[i]);

		check(*words.list[i] && blanks(span_of(words.list[i])) == 0);
		check_within(words.list[i], name.group);
		if (name.process.start)
			check_within(words.list[i], name.process);
		total += strlen(words.list[i]);
	}
	check(total + blanks(span_of(text)) == strlen(text));
	check(words.list[words.count] == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct line line;

	line_parse(text, &line);
	check_within(text, line.whole);
	if (line.kind == LINE_COMMAND && !line.is_question) {
		check_within(text, line.command);
		check(span_length(line.command) > 0 && line.command.end <= line.arguments.start);
	}
	if (line.kind != LINE_EMPTY)
		check_within(text, line.arguments);
	check_words(text);
	free(text);
	return 0;
}
