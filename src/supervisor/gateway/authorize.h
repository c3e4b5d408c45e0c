/* HTTP's basic authentication: passwords as configured, in plain or as {SHA} and the hexadecimal SHA-1. What is compared
 * is compared in a time that says nothing of where it differs. */
#ifndef GATEWAY_AUTHORIZE_H
#define GATEWAY_AUTHORIZE_H

#include <stdbool.h>
#include <stdint.h>

#define AUTHORIZE_HEADER_MAX 16384 /* a longer one is no password */

struct credentials {
	bool needed;
	bool is_sha1;  /* `password` is the SHA-1 of it, else its SHA-256 */
	bool is_void;  /* {SHA} and then no SHA-1: nobody gets in */
	uint8_t username[32]; /* its SHA-256 */
	uint8_t password[32];
};

/* Both or neither NULL. */
void credentials_set(struct credentials *credentials, const char *username, const char *password);

/* What is to be answered to a request with this header (NULL: none): 0 (go on), 401, or 400 where it cannot be read. */
unsigned credentials_check(const struct credentials *credentials, const char *header);

#endif
