/* Any text is or is not a value of each type; a number that was read can be written and read again. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "text/units.h"

static void check(int r)
{
	if (r != 0 && r != -EINVAL && r != -ERANGE)
		abort();
}

static void check_number(const char *text)
{
	int64_t number, again;
	char decimal[32];
	int r = parse_integer(text, &number);

	check(r);
	if (r != 0)
		return;
	snprintf(decimal, sizeof decimal, "%" PRId64, number);
	if (parse_integer(decimal, &again) != 0 || again != number ||
		parse_byte_size(text, &again) != 0 || again != number)
		abort();
}

static void check_address(const char *text)
{
	struct span host;
	uint16_t port;
	int r = parse_inet_address(text, &host, &port);

	check(r);
	if (r == 0 && (port == 0 || host.start < text || host.end > text + strlen(text) ||
			      host.start > host.end))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	uint8_t codes[16];
	size_t count;
	int64_t number;
	int signal = -1;
	struct span name;
	bool yes;
	char bad;

	check_number(text);
	check_address(text);
	check(parse_octal(text, &number));
	check(parse_byte_size(text, &number));
	check(parse_boolean(text, &yes));
	check(parse_signal(text, &signal));
	check(parse_exit_codes(text, codes, sizeof codes, &count));
	if (parse_name(text, &name, &bad) && memchr(name.start, '/', span_length(name)))
		abort();
	if (signal > 64 || edit_distance(text, text, 3) != (strlen(text) > 64 ? 4 : 0))
		abort();
	free(text);
	return 0;
}
