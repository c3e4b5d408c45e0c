/* Any format expands within its limit or is refused; one without a percent sign stays as it is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "text/expansion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct expansion_names names = { 0 };
	struct buffer result = BUFFER(4096);
	struct expansion_error error;
	char *format = fuzz_text(data, size);
	int r;

	if (expansion_set_text(&names, "t", "t\xc3\xa9\"'\\\nx") < 0 ||
		expansion_set_number(&names, "n", -7) < 0)
		abort();
	r = expand(format, &names, &result, &error);
	if (r == 0 && !strchr(format, '%') && strcmp(format, buffer_text(&result)) != 0)
		abort();
	if (r == -EINVAL && (error.position >= strlen(format) || format[error.position] != '%'))
		abort();
	if (result.length > 4096 || (r != 0 && r != -EINVAL && r != -E2BIG))
		abort();
	buffer_deinit(&result);
	expansion_names_deinit(&names);
	free(format);
	return 0;
}
