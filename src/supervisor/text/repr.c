#include "text/repr.h"

#include <stdio.h>
#include <string.h>

struct output {
	char *at;
	size_t left; /* without the NUL */
};

static void add(struct output *output, const char *text)
{
	size_t length = strlen(text);

	if (length > output->left) {
		output->left = 0; /* nothing behind what was cut */
		return;
	}
	memcpy(output->at, text, length);
	output->at += length;
	output->left -= length;
}

static void add_character(struct output *output, unsigned char c, char quote)
{
	char text[5] = { (char)c };

	switch (c) {
	case '\n': memcpy(text, "\\n", 3); break;
	case '\r': memcpy(text, "\\r", 3); break;
	case '\t': memcpy(text, "\\t", 3); break;
	case '\\': memcpy(text, "\\\\", 3); break;
	default:
		if (c == (unsigned char)quote)
			snprintf(text, sizeof text, "\\%c", quote);
		else if (c < ' ' || c == 0x7f)
			snprintf(text, sizeof text, "\\x%02x", c);
	}
	add(output, text);
}

void repr(const char *text, char *buffer, size_t size)
{
	char quote[2] = { strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'' };
	struct output output = { buffer, size > 0 ? size - 1 : 0 };

	if (size == 0)
		return;
	add(&output, quote);
	for (; *text; text++)
		add_character(&output, (unsigned char)*text, quote[0]);
	add(&output, quote);
	*output.at = '\0';
}
