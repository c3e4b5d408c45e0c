#include "gateway/browser.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

int browser_token_new(char token[BROWSER_TOKEN_SIZE])
{
	unsigned char bytes[(BROWSER_TOKEN_SIZE - 1) / 2];

	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return errno ? -errno : -EIO;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

struct browser_signs browser_signs(const struct exchange *exchange)
{
	return (struct browser_signs){
		.user_agent = exchange_header(exchange, "User-Agent"),
		.origin = exchange_header(exchange, "Origin"),
		.referer = exchange_header(exchange, "Referer"),
		.fetch_site = exchange_header(exchange, "Sec-Fetch-Site"),
		.host = exchange_header(exchange, "Host"),
	};
}

bool browser_sent(const struct browser_signs *signs)
{
	return signs->origin || signs->referer || signs->fetch_site ||
		(signs->user_agent && strncmp(signs->user_agent, "Mozilla/", 8) == 0);
}

bool browser_is_foreign(const struct browser_signs *signs)
{
	const char *authority;

	if (signs->fetch_site && strcmp(signs->fetch_site, "same-origin") != 0 &&
		strcmp(signs->fetch_site, "none") != 0)
		return true;
	if (!signs->origin)
		return false;
	authority = strstr(signs->origin, "://");
	return !authority || !signs->host || strcasecmp(authority + 3, signs->host) != 0;
}

/* In a time that does not tell how much of it is right. */
static bool is_equal(const char *token, const char *given)
{
	unsigned char differs = 0;

	if (strlen(token) != strlen(given))
		return false;
	for (size_t i = 0; token[i]; i++)
		differs |= (unsigned char)(token[i] ^ given[i]);
	return differs == 0;
}

bool browser_may_act(const struct browser_signs *signs, const char *token, const char *given)
{
	if (!browser_sent(signs))
		return true;
	return !browser_is_foreign(signs) && given && is_equal(token, given);
}
