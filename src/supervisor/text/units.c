#include "text/units.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool equal_ignoring_case(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static int digit_of(char c, int base)
{
	int digit = c >= '0' && c <= '9' ? c - '0' : -1;

	return digit < base ? digit : -1;
}

/* Digits with single underscores between them. */
static int parse_digits(struct span span, int base, bool negative, int64_t *ret)
{
	int64_t number = 0;
	bool overflow = false, underscore = true; /* one may not come first */

	for (const char *p = span.start; p < span.end; p++) {
		int digit = digit_of(*p, base);

		if (*p == '_' && !underscore) {
			underscore = true;
			continue;
		}
		if (digit < 0)
			return -EINVAL;
		underscore = false;
		overflow = overflow || __builtin_mul_overflow(number, base, &number) ||
			   __builtin_add_overflow(number, negative ? -digit : digit, &number);
	}
	if (underscore)
		return -EINVAL;
	if (overflow)
		return -ERANGE;
	*ret = number;
	return 0;
}

static int parse_number(struct span span, int base, int64_t *ret)
{
	bool negative = false;

	span = span_strip(span);
	if (span.start < span.end && (*span.start == '-' || *span.start == '+'))
		negative = *span.start++ == '-';
	if (base == 8 && span_length(span) > 2 && span.start[0] == '0' &&
		(span.start[1] | 0x20) == 'o') {
		span.start += 2;
		if (*span.start == '_')
			span.start++;
	}
	return parse_digits(span, base, negative, ret);
}

int parse_integer(const char *text, int64_t *ret)
{
	return parse_number(span_of(text), 10, ret);
}

int parse_octal(const char *text, int64_t *ret)
{
	return parse_number(span_of(text), 8, ret);
}

int parse_boolean(const char *text, bool *ret)
{
	static const char *const words[2][4] = { { "no", "false", "off", "0" },
		{ "yes", "true", "on", "1" } };

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 4; i++)
			if (equal_ignoring_case(text, words[value][i])) {
				*ret = value;
				return 0;
			}
	return -EINVAL;
}

int parse_byte_size(const char *text, int64_t *ret)
{
	static const char *const suffixes[] = { "kb", "mb", "gb" };
	struct span span = span_of(text);
	int64_t number, unit = 1;
	int r;

	for (int i = 0; span_length(span) >= 2 && i < 3; i++)
		if (equal_ignoring_case(span.end - 2, suffixes[i])) {
			unit = INT64_C(1) << (10 * (i + 1));
			span.end -= 2;
			break;
		}
	r = parse_number(span, 10, &number);
	if (r < 0)
		return r;
	return __builtin_mul_overflow(number, unit, ret) ? -ERANGE : 0;
}

/* The names are those of Python's signal module on Linux, its constants SIG_DFL, SIG_IGN, ...
 * included: supervisord takes every name that begins with SIG. Numbers without a name (the
 * real-time signals between the first and the last) are none of its signals. */
static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "ABRT", SIGABRT },
	{ "ALRM", SIGALRM },
	{ "BUS", SIGBUS },
	{ "CHLD", SIGCHLD },
	{ "CLD", SIGCHLD },
	{ "CONT", SIGCONT },
	{ "FPE", SIGFPE },
	{ "HUP", SIGHUP },
	{ "ILL", SIGILL },
	{ "INT", SIGINT },
	{ "IO", SIGIO },
	{ "IOT", SIGIOT },
	{ "KILL", SIGKILL },
	{ "PIPE", SIGPIPE },
	{ "POLL", SIGPOLL },
	{ "PROF", SIGPROF },
	{ "PWR", SIGPWR },
	{ "QUIT", SIGQUIT },
	{ "RTMAX", 64 },
	{ "RTMIN", 34 },
	{ "SEGV", SIGSEGV },
	{ "STKFLT", 16 },
	{ "STOP", SIGSTOP },
	{ "SYS", SIGSYS },
	{ "TERM", SIGTERM },
	{ "TRAP", SIGTRAP },
	{ "TSTP", SIGTSTP },
	{ "TTIN", SIGTTIN },
	{ "TTOU", SIGTTOU },
	{ "URG", SIGURG },
	{ "USR1", SIGUSR1 },
	{ "USR2", SIGUSR2 },
	{ "VTALRM", SIGVTALRM },
	{ "WINCH", SIGWINCH },
	{ "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ },
	{ "_DFL", 0 },
	{ "_IGN", 1 },
	{ "_BLOCK", 0 },
	{ "_UNBLOCK", 1 },
	{ "_SETMASK", 2 },
};

int parse_signal(const char *text, int *ret)
{
	struct span span = span_strip(span_of(text));
	int64_t number = -1;
	bool numeric = parse_integer(text, &number) == 0;

	if (span_length(span) >= 3 && strncasecmp(span.start, "SIG", 3) == 0)
		span.start += 3;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		const char *name = signals[i].name;
		bool named = span_length(span) == strlen(name) &&
			     strncasecmp(span.start, name, strlen(name)) == 0;

		if (numeric ? number == signals[i].number : named) {
			*ret = signals[i].number;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_exit_codes(const char *text, uint8_t *codes, size_t capacity, size_t *ret_count)
{
	const char *next = list_begin(text);
	struct span element;
	size_t count = 0;

	while (list_next(&next, &element)) {
		int64_t code;

		if (parse_number(element, 10, &code) < 0 || code < 0 || code > 255)
			return -EINVAL;
		if (count == capacity)
			return -ERANGE;
		codes[count++] = (uint8_t)code;
	}
	*ret_count = count;
	return 0;
}

int parse_port(const char *text, uint16_t *ret)
{
	int64_t port;
	int r = parse_integer(text, &port);

	if (r < 0)
		return r;
	if (port < 1 || port > 65535)
		return -ERANGE;
	*ret = (uint16_t)port;
	return 0;
}

int parse_inet_address(const char *text, struct span *ret_host, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	struct span host = { text, colon ? colon : text };
	int r = parse_port(colon ? colon + 1 : text, ret_port);

	if (r < 0)
		return r;
	if (span_length(host) == 1 && *host.start == '*')
		host.end = host.start;
	*ret_host = host;
	return 0;
}

bool list_next(const char **next, struct span *ret)
{
	const char *start = *next, *comma;

	if (!start)
		return false;
	comma = strchr(start, ',');
	*ret = span_strip((struct span){ start, comma ? comma : start + strlen(start) });
	*next = comma ? comma + 1 : NULL;
	return true;
}

bool parse_name(const char *text, struct span *ret, char *ret_bad)
{
	struct span name = span_strip(span_of(text));

	for (const char *bad = " :/"; *bad; bad++)
		if (memchr(name.start, *bad, span_length(name))) {
			*ret_bad = *bad;
			return false;
		}
	*ret = name;
	return true;
}

#define LONGEST_COMPARED 64

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t edit_distance(const char *a, const char *b, size_t most)
{
	size_t rows[3][LONGEST_COMPARED + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t length_a = strlen(a), length_b = strlen(b);

	if (length_a > LONGEST_COMPARED || length_b > LONGEST_COMPARED)
		return most + 1;
	for (size_t k = 0; k <= length_b; k++)
		last[k] = k;
	for (size_t i = 1; i <= length_a; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t k = 1; k <= length_b; k++) {
			now[k] = least(least(last[k] + 1, now[k - 1] + 1),
				last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				now[k] = least(now[k], before[k - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return least(last[length_b], most + 1);
}
