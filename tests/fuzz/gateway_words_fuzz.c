/* What comes from outside as words: an address that is decoded, HTML and JSON made of any bytes, a line of /proc. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "gateway/metrics.h"
#include "gateway/usage.h"
#include "gateway/words.h"
#include "text/unicode.h"

/* Whatever goes in, no markup of its own and no broken character comes out. */
static void check_html(const char *text)
{
	struct buffer html = BUFFER(1 << 20), label = BUFFER(1 << 20);
	size_t bad;

	words_html(&html, text);
	metrics_label(&label, text);
	if (html.error || label.error || strpbrk(buffer_text(&html), "<>\"'") || strchr(buffer_text(&label), '\n'))
		abort();
	if (!utf8_valid(buffer_text(&html), html.length, &bad) || !utf8_valid(buffer_text(&label), label.length, &bad))
		abort();
	buffer_deinit(&html);
	buffer_deinit(&label);
}

/* What is decoded, written into an address again, is decoded to the same. */
static void check_address(const char *text, size_t size)
{
	char *once = malloc(size + 1), *twice = NULL;
	struct buffer address = BUFFER(1 << 20);

	if (once && words_decode(text, size, 1, once) >= 0) {
		words_url(&address, once);
		twice = malloc(address.length + 1);
		if (!twice || words_decode(buffer_text(&address), address.length, 1, twice) < 0 || strcmp(once, twice) != 0)
			abort();
	}
	buffer_deinit(&address);
	free(once);
	free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usage usage;
	char *text;

	if (size > 65536)
		return 0;
	text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	json_decref(words_json_sized(text, size));
	check_html(text);
	check_address(text, size);
	(void)!usage_parse(text, &usage);
	free(text);
	return 0;
}
