/* Stripping, fed with anything: it makes no difference how the text is cut, and what comes out is what the rule
 * says, written here as plainly as it can be. The first byte of the input says how long the pieces are. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "scribe/ansi.h"

static size_t strip_whole(const char *in, size_t size, char *out)
{
	size_t used = 0;
	bool shows = true;

	for (size_t i = 0; i < size; i++) {
		if (!shows)
			shows = in[i] != '\0' && strchr("HfABCDRsuJKhlpm", in[i]);
		else if (in[i] == '\033' && i + 1 < size && in[i + 1] == '[')
			shows = false;
		else
			out[used++] = in[i];
	}
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum ansi_state state = ANSI_TEXT;
	size_t piece = size > 0 ? data[0] % 16 + 1 : 1, used = 0, expected_size;
	const char *text = (const char *)data + (size > 0);
	char *expected, *out;

	size -= size > 0;
	expected = malloc(size + 1);
	out = malloc(size + 1);
	if (!expected || !out)
		abort();
	expected_size = strip_whole(text, size, expected);
	for (size_t at = 0; at < size; at += piece)
		used += ansi_strip(
			&state, text + at, size - at < piece ? size - at : piece, out + used);
	used += ansi_finish(&state, out + used);
	if (used != expected_size || memcmp(out, expected, used) != 0)
		abort();
	free(expected);
	free(out);
	return 0;
}
