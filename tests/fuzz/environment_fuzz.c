/* An environment that was read can be written with quotes and read again, and is the same. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "text/buffer.h"
#include "text/environment.h"

struct pairs {
	struct buffer shown; /* each pair as it came */
	struct buffer again; /* the same as a text to be read */
	bool unwritable;     /* a value has both kinds of quotes, or a key has a quote */
};

static int collect(
	void *context, const char *key, size_t key_length, const char *value, size_t value_length)
{
	struct pairs *pairs = context;
	bool quoted = memchr(value, '"', value_length) != NULL;
	const char *quote = quoted ? "'" : "\"";

	if ((quoted && memchr(value, '\'', value_length)) || memchr(key, '"', key_length) ||
		memchr(key, '\'', key_length))
		pairs->unwritable = true;
	buffer_add(&pairs->shown, key, key_length);
	buffer_add_char(&pairs->shown, '=');
	buffer_add(&pairs->shown, value, value_length);
	buffer_add_char(&pairs->shown, '\n');
	buffer_add(&pairs->again, key, key_length);
	buffer_add_text(&pairs->again, " = ");
	buffer_add_text(&pairs->again, quote);
	buffer_add(&pairs->again, value, value_length);
	buffer_add_text(&pairs->again, quote);
	buffer_add_char(&pairs->again, ',');
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pairs pairs = { BUFFER(SIZE_MAX / 2), BUFFER(SIZE_MAX / 2), false }, second = pairs;
	char *text = fuzz_text(data, size);
	const char *why = NULL;
	int r = environment_parse(text, collect, &pairs, &why);

	if (r < 0 && (r != -EINVAL || !why || pairs.shown.length))
		abort();
	if (r == 0 && !pairs.unwritable)
		if (environment_parse(buffer_text(&pairs.again), collect, &second, &why) < 0 ||
			strcmp(buffer_text(&pairs.shown), buffer_text(&second.shown)) != 0)
			abort();
	buffer_deinit(&pairs.shown);
	buffer_deinit(&pairs.again);
	buffer_deinit(&second.shown);
	buffer_deinit(&second.again);
	free(text);
	return 0;
}
