/* Whatever a server answers, the client comes to an end of it, and in pieces to the same end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/http.h"
#include "fuzz/fuzz.h"

#define ANSWER_MAX 4096

struct outcome {
	int result; /* of the head, or of the body's end */
	int status;
	size_t length;
	unsigned sum; /* of the body */
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static int take_body(struct http *http, struct outcome *outcome)
{
	char bytes[256];
	ssize_t got;

	while ((got = http_receive_body(http, bytes, sizeof bytes, 0)) > 0)
		for (ssize_t i = 0; i < got; i++) {
			outcome->sum = outcome->sum * 31 + (unsigned char)bytes[i];
			outcome->length++;
		}
	return (int)got;
}

/* Read what is there so far. */
static void take(struct http *http, struct outcome *outcome)
{
	if (http->stage == HTTP_STATUS_LINE || http->stage == HTTP_HEADERS)
		outcome->result = http_receive_head(http, 0);
	if (http->stage == HTTP_BODY) {
		outcome->status = http->status;
		outcome->result = take_body(http, outcome);
	}
}

static struct outcome receive(const uint8_t *data, size_t size, size_t piece)
{
	static const struct http_server server = { .path = "/x" };
	struct outcome outcome = { 0 };
	struct http http;
	char request[1024];
	int ends[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	http = (struct http){ .fd = ends[0], .buffer = malloc(HTTP_BUFFER_SIZE) };
	check(http.buffer && http_send(&http, &server, "/", NULL, 0, 0) == 0);
	check(read(ends[1], request, sizeof request) > 0);
	for (size_t at = 0; at < size; at += piece) {
		size_t length = size - at < piece ? size - at : piece;

		check(write(ends[1], data + at, length) == (ssize_t)length);
		take(&http, &outcome);
	}
	close(ends[1]);
	take(&http, &outcome);
	check(outcome.result != -ETIMEDOUT && outcome.length <= size);
	check(http.start <= http.end && http.end <= HTTP_BUFFER_SIZE);
	http_close(&http);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;

	if (size > ANSWER_MAX)
		return 0;
	whole = receive(data, size, size ? size : 1);
	pieces = receive(data, size, 7);
	check(whole.result == pieces.result && whole.length == pieces.length && whole.sum == pieces.sum &&
		whole.status == pieces.status);
	return 0;
}
