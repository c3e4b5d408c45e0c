/* An Authorization header of any bytes opens only with the password, whatever kind of password is configured. */
#include <strings.h>

#include "fuzz/fuzz.h"
#include "gateway/authorize.h"

/* What a client writes of "user:pa:ss". */
static int is_right(const char *header)
{
	return strncasecmp(header, "basic ", 6) == 0 && strcmp(header + 6, "dXNlcjpwYTpzcw==") == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const passwords[] = { "{SHA}", "{SHA}a9993e364706816aba3e25717850c26c9cd0d89d", "" };
	struct credentials credentials;
	char *header = fuzz_text(data, size);
	unsigned status;

	credentials_set(&credentials, "user", "pa:ss");
	status = credentials_check(&credentials, header);
	if (status != 401 && status != 400 && status != 0)
		abort();
	if (is_right(header) && status != 0)
		abort();
	for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
		credentials_set(&credentials, "user", passwords[i]);
		status = credentials_check(&credentials, header);
		if (i == 0 && status == 0)
			abort();
	}
	credentials_set(&credentials, NULL, NULL);
	if (credentials_check(&credentials, header) != 0)
		abort();
	free(header);
	return 0;
}
