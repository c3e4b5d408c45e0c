#include "text/xmlrpc_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\r\n";

/* Is there nothing but blanks between the number's end and the text's? */
static bool ends_well(const char *text, const char *end, size_t length)
{
	return end != text && end + strspn(end, blanks) == text + length;
}

int xmlrpc_scan_int(const char *text, size_t length, int64_t *ret)
{
	const char *start = text + strspn(text, blanks);
	char *end;
	long long value;

	errno = 0;
	value = strtoll(start, &end, 10);
	if (errno || end == start || !ends_well(text, end, length))
		return -EBADMSG;
	*ret = value;
	return 0;
}

int xmlrpc_scan_double(const char *text, size_t length, double *ret)
{
	const char *start = text + strspn(text, blanks);
	double value;
	char *end;

	value = strtod(start, &end);
	if (end == start || !isfinite(value) || !ends_well(text, end, length))
		return -EBADMSG;
	*ret = value;
	return 0;
}

bool xmlrpc_is_datetime(const char *text, size_t length)
{
	static const char form[] = "ddddddddTdd:dd:dd";

	if (length != sizeof form - 1)
		return false;
	for (size_t i = 0; i < length; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	return true;
}
