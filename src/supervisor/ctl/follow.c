#include "ctl/follow.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ctl/output.h"
#include "ctl/rpc.h"

#define LINE_MAX_BYTES ((size_t)64 << 10) /* a longer line is shown in pieces */

struct stream {
	const struct follow_source *source;
	struct http http;
	struct buffer line; /* begun, not yet ended */
};

struct following {
	struct session *session;
	const struct follow *follow;
	struct stream *streams;
	size_t label_width;
	int interrupts; /* a signalfd(2) of SIGINT */
	sigset_t mask;	/* before */
};

char *follow_target(const char *name, const char *channel)
{
	CLEANUP_BUFFER struct buffer target = BUFFER(SIZE_MAX / 2);

	buffer_add_text(&target, "/logtail/");
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c <= ' ' || c >= 0x7f || strchr("%?#\"<>\\^`{|}/", c))
			buffer_print(&target, "%%%02X", c);
		else
			buffer_add_char(&target, (char)c);
	}
	buffer_print(&target, "/%s", channel);
	return buffer_take(&target);
}

/* ---- what is shown ---- */

static void show_line(struct following *following, struct stream *stream)
{
	const char *label = stream->source->label;
	struct session *session = following->session;

	if (session->json) {
		json_t *line = json_pack("{s:s, s:o}", "name", label ? label : "", "line",
			json_stringn(buffer_text(&stream->line), stream->line.length));

		if (!line) /* it is no UTF-8 */
			line = json_pack("{s:s, s:n}", "name", label ? label : "", "line");
		json_dumpf(line, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(line);
	} else {
		printf("%s%-*s |%s ", colour(session, COLOUR_FAINT), (int)following->label_width, label ? label : "",
			colour(session, COLOUR_NONE));
		fwrite(buffer_text(&stream->line), 1, stream->line.length, stdout);
		putchar('\n');
	}
	buffer_clear(&stream->line);
}

static void show(struct following *following, struct stream *stream, const char *bytes, size_t length)
{
	if (!stream->source->label && !following->session->json) {
		fwrite(bytes, 1, length, stdout);
		return;
	}
	while (length > 0) {
		const char *newline = memchr(bytes, '\n', length);
		size_t taken = newline ? (size_t)(newline - bytes) : length;

		buffer_add(&stream->line, bytes, taken);
		if (newline || stream->line.length >= LINE_MAX_BYTES)
			show_line(following, stream);
		taken += newline != NULL;
		bytes += taken;
		length -= taken;
	}
}

/* ---- one stream ---- */

static void complain_of(struct following *following, const struct stream *stream, const char *what)
{
	fflush(stdout);
	fprintf(stderr, "%s%s %s\n", following->session->serverurl, stream->source->target, what);
}

static void end_stream(struct following *following, struct stream *stream)
{
	if (stream->line.length > 0)
		show_line(following, stream);
	http_close(&stream->http);
}

static void begin_stream(struct following *following, struct stream *stream)
{
	struct session *session = following->session;
	char text[256];
	int r = http_open(&stream->http, &session->server, RPC_CONNECT_PATIENCE);

	if (r == 0)
		r = http_send(&stream->http, &session->server, stream->source->target, NULL, 0, RPC_PATIENCE);
	if (r == 0)
		r = http_receive_head(&stream->http, RPC_PATIENCE);
	if (r == 0 && stream->http.status == 200)
		return;
	if (r < 0)
		snprintf(text, sizeof text, "Cannot connect, error: %s", strerror(-r));
	else
		snprintf(text, sizeof text, "Cannot read, status code %d", stream->http.status);
	complain_of(following, stream, text);
	http_close(&stream->http);
}

/* All that is there. */
static void read_stream(struct following *following, struct stream *stream)
{
	char bytes[16384];
	ssize_t got;

	while ((got = http_receive_body(&stream->http, bytes, sizeof bytes, 0)) > 0)
		show(following, stream, bytes, (size_t)got);
	if (got != -ETIMEDOUT)
		end_stream(following, stream);
	fflush(stdout);
}

/* ---- all of them ---- */

enum { INTERRUPT, INPUT, FIRST_STREAM };

/* Returns how many streams are open. */
static size_t fill(struct following *following, struct pollfd *fds)
{
	size_t open = 0;

	fds[INTERRUPT] = (struct pollfd){ .fd = following->interrupts, .events = POLLIN };
	fds[INPUT] = (struct pollfd){ .fd = following->follow->on_input ? STDIN_FILENO : -1, .events = POLLIN };
	for (size_t i = 0; i < following->follow->count; i++) {
		fds[FIRST_STREAM + i] = (struct pollfd){ .fd = following->streams[i].http.fd, .events = POLLIN };
		open += following->streams[i].http.fd >= 0;
	}
	return open;
}

static int turn(struct following *following, struct pollfd *fds)
{
	struct signalfd_siginfo taken;

	if (poll(fds, (nfds_t)(FIRST_STREAM + following->follow->count), -1) < 0)
		return errno == EINTR ? 0 : session_fail_errno(following->session, -errno);
	if (fds[INTERRUPT].revents && read(following->interrupts, &taken, sizeof taken) > 0)
		return FOLLOW_INTERRUPTED;
	for (size_t i = 0; i < following->follow->count; i++)
		if (fds[FIRST_STREAM + i].revents)
			read_stream(following, &following->streams[i]);
	return fds[INPUT].revents ? following->follow->on_input(following->follow->data) : 0;
}

static int follow_all(struct following *following)
{
	const struct follow *follow = following->follow;
	struct pollfd *fds = calloc(FIRST_STREAM + follow->count, sizeof *fds);
	int r = 0;

	if (!fds)
		return session_fail_errno(following->session, -ENOMEM);
	for (size_t i = 0; i < follow->count; i++)
		begin_stream(following, &following->streams[i]);
	for (size_t i = 0; i < follow->count; i++)
		if (following->streams[i].http.fd >= 0)
			read_stream(following, &following->streams[i]); /* what came with the head */
	while (r == 0 && (fill(following, fds) > 0 || follow->on_input))
		r = turn(following, fds);
	free(fds);
	return r;
}

static int prepare(struct following *following)
{
	const struct follow *follow = following->follow;
	sigset_t interrupt;

	following->streams = calloc(follow->count, sizeof *following->streams);
	if (!following->streams)
		return session_fail_errno(following->session, -ENOMEM);
	for (size_t i = 0; i < follow->count; i++) {
		const char *label = follow->sources[i].label;

		following->streams[i] = (struct stream){ &follow->sources[i], HTTP_CLOSED, BUFFER(LINE_MAX_BYTES * 2) };
		if (label && strlen(label) > following->label_width)
			following->label_width = strlen(label);
	}
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &following->mask);
	following->interrupts = signalfd(-1, &interrupt, SFD_CLOEXEC | SFD_NONBLOCK);
	return following->interrupts < 0 ? session_fail_errno(following->session, -errno) : 0;
}

int follow_run(struct session *session, const struct follow *follow)
{
	struct following following = { .session = session, .follow = follow, .interrupts = -1 };
	int r;

	if (session_find_server(session) < 0)
		return -1;
	fflush(stdout);
	r = prepare(&following);
	if (r == 0)
		r = follow_all(&following);
	for (size_t i = 0; following.streams && i < follow->count; i++) {
		end_stream(&following, &following.streams[i]);
		buffer_deinit(&following.streams[i].line);
	}
	free(following.streams);
	if (following.interrupts >= 0)
		close(following.interrupts);
	sigprocmask(SIG_SETMASK, &following.mask, NULL);
	return r;
}
