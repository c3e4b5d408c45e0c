/* shlex in its non-POSIX mode has habits that real files depend on, knowingly or not:
 *
 *   - a quoted token stands alone and keeps its quotes; inside a word quotes are letters like any
 * other;
 *   - `#` starts a comment anywhere, and a word goes on after the end of that line;
 *   - any character that is neither a letter nor quote nor blank is a token by itself.
 *
 * Hence tokens cannot be pointers into the text: they are copied into one buffer. */
#include "text/environment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text/buffer.h"
#include "text/unicode.h"

struct lexer {
	const char *text; /* what is still to be read */
	const char *end;
};

struct token {
	size_t start, length; /* in the buffer of all tokens */
};

struct tokens {
	struct token *list;
	size_t count, capacity;
	struct buffer bytes;
};

static bool is_word_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_/.+-():", c));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_quote(char c)
{
	return c == '\'' || c == '"';
}

static void skip_comment(struct lexer *lexer)
{
	const char *line_end = memchr(lexer->text, '\n', (size_t)(lexer->end - lexer->text));

	lexer->text = line_end ? line_end + 1 : lexer->end;
}

/* From an opening quote to the closing one, both included. */
static int read_quoted(struct lexer *lexer, struct buffer *token)
{
	const char *start = lexer->text;
	const char *closing = memchr(start + 1, *start, (size_t)(lexer->end - start - 1));

	if (!closing)
		return -EINVAL;
	buffer_add(token, start, (size_t)(closing + 1 - start));
	lexer->text = closing + 1;
	return 0;
}

static void read_word(struct lexer *lexer, struct buffer *token)
{
	while (lexer->text < lexer->end) {
		char c = *lexer->text;

		if (c == '#') {
			skip_comment(lexer);
			continue;
		}
		if (!is_word_character(c) && !is_quote(c))
			return;
		buffer_add_char(token, c);
		lexer->text++;
	}
}

static void read_single(struct lexer *lexer, struct buffer *token)
{
	uint32_t character;
	size_t length = utf8_decode(lexer->text, lexer->end, &character);

	length = length ? length : 1;
	buffer_add(token, lexer->text, length);
	lexer->text += length;
}

/* One token more at the end of `token`. Returns 1, 0 at the end of the text, -EINVAL without a
 * closing quote. */
static int read_token(struct lexer *lexer, struct buffer *token)
{
	for (;;) {
		if (lexer->text == lexer->end)
			return 0;
		if (*lexer->text == '#')
			skip_comment(lexer);
		else if (is_blank(*lexer->text))
			lexer->text++;
		else
			break;
	}
	if (is_quote(*lexer->text)) {
		int r = read_quoted(lexer, token);

		return r < 0 ? r : 1;
	}
	if (is_word_character(*lexer->text))
		read_word(lexer, token);
	else
		read_single(lexer, token);
	return 1;
}

static int add_token(struct tokens *tokens, size_t start)
{
	if (tokens->count == tokens->capacity) {
		size_t capacity = tokens->capacity ? tokens->capacity * 2 : 32;
		struct token *list = reallocarray(tokens->list, capacity, sizeof *list);

		if (!list)
			return -ENOMEM;
		tokens->list = list;
		tokens->capacity = capacity;
	}
	tokens->list[tokens->count++] = (struct token){ start, tokens->bytes.length - start };
	return tokens->bytes.error;
}

static int read_tokens(const char *text, struct tokens *tokens)
{
	struct lexer lexer = { text, text + strlen(text) };

	for (;;) {
		size_t start = tokens->bytes.length;
		int r = read_token(&lexer, &tokens->bytes);

		if (r <= 0)
			return r;
		r = add_token(tokens, start);
		if (r < 0)
			return r;
	}
}

/* Python's value.strip('\'"'). */
static struct span strip_quotes(struct span value)
{
	while (value.start < value.end && is_quote(*value.start))
		value.start++;
	while (value.start < value.end && is_quote(value.end[-1]))
		value.end--;
	return value;
}

static bool well_formed(const struct tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i += 4) {
		const struct token *token = &tokens->list[i];

		if (tokens->count - i < 3 || token[1].length != 1 ||
			tokens->bytes.data[token[1].start] != '=')
			return false;
	}
	return true;
}

static int report_pairs(const struct tokens *tokens, environment_callback *callback, void *context)
{
	for (size_t i = 0; i < tokens->count; i += 4) {
		const struct token *key = &tokens->list[i], *token = &tokens->list[i + 2];
		const char *bytes = tokens->bytes.data;
		struct span value = strip_quotes((struct span){
			bytes + token->start, bytes + token->start + token->length });
		int r = callback(
			context, bytes + key->start, key->length, value.start, span_length(value));

		if (r < 0)
			return r;
	}
	return 0;
}

int environment_parse(
	const char *text, environment_callback *callback, void *context, const char **ret_why)
{
	struct tokens tokens = { .bytes = BUFFER(SIZE_MAX / 2) };
	int r = read_tokens(text, &tokens);

	if (r == -EINVAL) {
		*ret_why = "No closing quotation";
	} else if (r == 0 && !well_formed(&tokens)) {
		*ret_why = "Unexpected end of key/value pairs";
		r = -EINVAL;
	} else if (r == 0) {
		r = report_pairs(&tokens, callback, context);
	}
	free(tokens.list);
	buffer_deinit(&tokens.bytes);
	return r;
}
