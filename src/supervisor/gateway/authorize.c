#include "gateway/authorize.h"

#include <nettle/base64.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static void sha256(const char *text, size_t length, uint8_t digest[SHA256_DIGEST_SIZE])
{
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, length, (const uint8_t *)text);
	sha256_digest(&context, SHA256_DIGEST_SIZE, digest);
}

static void sha1(const char *text, size_t length, uint8_t digest[SHA1_DIGEST_SIZE])
{
	struct sha1_ctx context;

	sha1_init(&context);
	sha1_update(&context, length, (const uint8_t *)text);
	sha1_digest(&context, SHA1_DIGEST_SIZE, digest);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	     : c >= 'a' && c <= 'f' ? c - 'a' + 10
	     : c >= 'A' && c <= 'F' ? c - 'A' + 10
				    : -1;
}

/* Exactly `size` bytes in hexadecimal. */
static bool read_hex(const char *text, uint8_t *bytes, size_t size)
{
	if (strlen(text) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void credentials_set(struct credentials *credentials, const char *username, const char *password)
{
	*credentials = (struct credentials){ .needed = username && password };
	if (!credentials->needed)
		return;
	sha256(username, strlen(username), credentials->username);
	credentials->is_sha1 = strncmp(password, "{SHA}", 5) == 0;
	if (credentials->is_sha1)
		credentials->is_void =
			!read_hex(password + 5, credentials->password, SHA1_DIGEST_SIZE);
	else
		sha256(password, strlen(password), credentials->password);
}

static bool match(const struct credentials *credentials, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);
	size_t name_length = colon ? (size_t)(colon - text) : length;
	size_t size = credentials->is_sha1 ? SHA1_DIGEST_SIZE : SHA256_DIGEST_SIZE;
	uint8_t username[SHA256_DIGEST_SIZE], password[SHA256_DIGEST_SIZE];
	bool same;

	if (!colon || credentials->is_void)
		return false;
	sha256(text, name_length, username);
	(credentials->is_sha1 ? sha1 : sha256)(colon + 1, length - name_length - 1, password);
	same = memeql_sec(username, credentials->username, sizeof username);
	return memeql_sec(password, credentials->password, size) & same;
}

unsigned credentials_check(const struct credentials *credentials, const char *header)
{
	char text[BASE64_DECODE_LENGTH(AUTHORIZE_HEADER_MAX)];
	struct base64_decode_ctx context;
	size_t length, size = sizeof text;

	if (!credentials->needed)
		return 0;
	if (!header || strncasecmp(header, "basic ", 6) != 0)
		return 401;
	header += 6;
	length = strlen(header);
	if (length > AUTHORIZE_HEADER_MAX)
		return 401;
	base64_decode_init(&context);
	if (!base64_decode_update(&context, &size, (uint8_t *)text, length, header) ||
		!base64_decode_final(&context))
		return 400;
	return match(credentials, text, size) ? 0 : 401;
}
