/* Signals by number, name and description. What lies between the standard signals and SIGRTMIN
 * belongs to the C library, which moves SIGRTMIN up to keep it (glibc keeps two signals, musl
 * three). */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "reeve/signal.h"

#define LAST_STANDARD 31
#define LAST 64

static const char *const names[LAST_STANDARD + 1] = {
#define SIGNAL(name, description) [SIG##name] = "SIG" #name,
#include "lib/signal/names.def"
#undef SIGNAL
};

static const char *const descriptions[LAST_STANDARD + 1] = {
#define SIGNAL(name, description) [SIG##name] = description,
#include "lib/signal/names.def"
#undef SIGNAL
};

/* Names that mean a signal which has another one. */
static const struct alias {
	const char *name;
	int signo;
} aliases[] = {
	{ "CLD", SIGCHLD },
	{ "IOT", SIGABRT },
	{ "POLL", SIGIO },
};

/* By distance from SIGRTMIN. */
/* clang-format off */
#define RT(n) { "SIGRTMIN+" #n, "Real-time signal " #n }
static const struct real_time {
	const char *name;
	const char *description;
} real_time[] = {
	{ "SIGRTMIN", "Real-time signal 0" },
	RT(1), RT(2), RT(3), RT(4), RT(5), RT(6), RT(7), RT(8), RT(9), RT(10),
	RT(11), RT(12), RT(13), RT(14), RT(15), RT(16), RT(17), RT(18), RT(19), RT(20),
	RT(21), RT(22), RT(23), RT(24), RT(25), RT(26), RT(27), RT(28), RT(29), RT(30),
};
/* clang-format on */

static bool is_signal(int signo)
{
	return signo >= 1 && signo <= LAST;
}

static bool is_reserved(int signo)
{
	return signo > LAST_STANDARD && signo < SIGRTMIN;
}

int reeve_signal_check(int signo)
{
	if (!is_signal(signo))
		return -EINVAL;
	if (is_reserved(signo))
		return -EBUSY;
	return signo == SIGKILL || signo == SIGSTOP ? -EPERM : 0;
}

const char *reeve_signal_refusal(int signo)
{
	if (signo == 0)
		return "0 is no signal: it only asks kill(2) whether a process exists";
	if (signo == SIGKILL)
		return "SIGKILL cannot be caught, blocked or ignored";
	if (signo == SIGSTOP)
		return "SIGSTOP cannot be caught, blocked or ignored";
	switch (reeve_signal_check(signo)) {
	case -EINVAL:
		return "no such signal: numbers go from 1 to 64";
	case -EBUSY:
		return "the C library keeps this signal for itself";
	default:
		return NULL;
	}
}

reeve_signal_set reeve_signal_valid(void)
{
	reeve_signal_set valid = REEVE_SIGNAL_ALL;

	for (int signo = LAST_STANDARD + 1; signo < SIGRTMIN; signo++)
		valid &= ~REEVE_SIGNAL_SET(signo);
	return valid;
}

const char *reeve_signal_name(int signo)
{
	if (!is_signal(signo) || is_reserved(signo))
		return NULL;
	if (signo == LAST)
		return "SIGRTMAX";
	return signo <= LAST_STANDARD ? names[signo] : real_time[signo - SIGRTMIN].name;
}

const char *reeve_signal_description(int signo)
{
	if (!is_signal(signo) || is_reserved(signo))
		return NULL;
	return signo <= LAST_STANDARD ? descriptions[signo]
				      : real_time[signo - SIGRTMIN].description;
}

/* A decimal number of at most two digits; -EINVAL for anything else. */
static int parse_number(const char *text)
{
	size_t length = strspn(text, "0123456789");
	int number = 0;

	if (length < 1 || length > 2 || text[length] != '\0')
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		number = number * 10 + (text[i] - '0');
	return number;
}

/* What follows "RTMIN" or "RTMAX": nothing, or a sign and a distance that stays in the range. */
static int parse_real_time(int base, char sign, const char *text)
{
	int distance, signo;

	if (*text == '\0')
		return base;
	if (*text != sign)
		return -EINVAL;
	distance = parse_number(text + 1);
	if (distance < 0)
		return -EINVAL;
	signo = sign == '+' ? base + distance : base - distance;
	return signo >= SIGRTMIN && signo <= LAST ? signo : -EINVAL;
}

static int parse_name(const char *text)
{
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	if (strncasecmp(text, "RTMIN", 5) == 0)
		return parse_real_time(SIGRTMIN, '+', text + 5);
	if (strncasecmp(text, "RTMAX", 5) == 0)
		return parse_real_time(LAST, '-', text + 5);
	for (int signo = 1; signo <= LAST_STANDARD; signo++)
		if (strcasecmp(text, names[signo] + 3) == 0)
			return signo;
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
		if (strcasecmp(text, aliases[i].name) == 0)
			return aliases[i].signo;
	return -EINVAL;
}

int reeve_signal_number(const char *text)
{
	int signo, refusal;

	if (*text < '0' || *text > '9')
		return parse_name(text);
	signo = parse_number(text);
	refusal = signo < 0 ? signo : reeve_signal_check(signo);
	return refusal == 0 || refusal == -EPERM ? signo : refusal;
}
