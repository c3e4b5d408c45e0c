/* Browsers do what any page tells them to, with the user's password and from inside the user's network; scripts do what their
 * users want. So what changes something is done for a browser only where our own page asked for it: by the token that only
 * our page can know, from our own address. What is no browser needs neither, as with supervisor. */
#ifndef GATEWAY_BROWSER_H
#define GATEWAY_BROWSER_H

#include <stdbool.h>

#include "gateway/exchange.h"

#define BROWSER_TOKEN_SIZE 33

/* A new token: random, in hex. Returns 0, or what getrandom(2) fails with. */
int browser_token_new(char token[BROWSER_TOKEN_SIZE]);

/* What a request says of where it comes from; NULL: that header is not there. */
struct browser_signs {
	const char *user_agent, *origin, *referer, *fetch_site, *host;
};

struct browser_signs browser_signs(const struct exchange *exchange);

/* Was this sent by a browser? All of them say "Mozilla/". */
bool browser_sent(const struct browser_signs *signs);

/* Did another site's page send it? Known by Origin, which a page cannot take away from a POST. */
bool browser_is_foreign(const struct browser_signs *signs);

/* May it change something? `given`: the token that came with it, or NULL. */
bool browser_may_act(const struct browser_signs *signs, const char *token, const char *given);

#endif
