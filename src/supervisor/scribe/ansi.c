#include "scribe/ansi.h"

#include <stdbool.h>
#include <string.h>

#define ESC '\033'

static bool is_terminator(char c)
{
	return c != '\0' && strchr("HfABCDRsuJKhlpm", c) != NULL;
}

/* Text up to the next ESC, or all. */
static size_t text_length(const char *in, size_t size)
{
	const char *escape = memchr(in, ESC, size);

	return escape ? (size_t)(escape - in) : size;
}

size_t ansi_strip(enum ansi_state *state, const char *in, size_t size, char *out)
{
	size_t used = 0, text;

	for (size_t i = 0; i < size;) {
		switch (*state) {
		case ANSI_TEXT:
			text = text_length(in + i, size - i);
			memcpy(out + used, in + i, text);
			used += text;
			i += text;
			if (i < size) {
				*state = ANSI_ESCAPE;
				i++;
			}
			break;
		case ANSI_ESCAPE:
			if (in[i] == '[') {
				*state = ANSI_SEQUENCE;
				i++;
			} else { /* an ESC of its own: text, as is what follows */
				*state = ANSI_TEXT;
				out[used++] = ESC;
			}
			break;
		case ANSI_SEQUENCE:
			if (is_terminator(in[i++]))
				*state = ANSI_TEXT;
			break;
		}
	}
	return used;
}

size_t ansi_finish(enum ansi_state *state, char *out)
{
	size_t held = *state == ANSI_ESCAPE ? 1 : 0;

	if (held)
		out[0] = ESC;
	*state = ANSI_TEXT;
	return held;
}
