#include "scribe/syslog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "board/log.h"
#include "reeve/error.h"

/* Facility user (1), severity informational (6): what supervisord's records have. */
#define PRIORITY (1 * 8 + 6)

/* How long a syslog that failed is left alone. */
#define RETRY REEVE_SEC

void syslog_init(struct syslog_sender *sender, const char *path, const char *ident)
{
	*sender = (struct syslog_sender){ .path = path, .ident = ident, .fd = -EBADF };
}

static void disconnect(struct syslog_sender *sender)
{
	if (sender->fd >= 0)
		close(sender->fd);
	sender->fd = -EBADF;
}

void syslog_deinit(struct syslog_sender *sender)
{
	disconnect(sender);
	if (sender->dropped > 0)
		log_line(LOG_WARN, "%llu records for syslog were dropped",
			(unsigned long long)sender->dropped);
}

/* ---- one record ---- */

static int connect_sender(struct syslog_sender *sender)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(sender->path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, sender->path, strlen(sender->path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	sender->fd = fd;
	return 0;
}

static int send_record(struct syslog_sender *sender, const struct iovec *parts, size_t count)
{
	struct msghdr record = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count };
	int r = 0;

	/* A second attempt: syslog was started anew, and its socket is another one. */
	for (int attempt = 0; attempt < 2; attempt++) {
		if (sender->fd < 0)
			r = connect_sender(sender);
		if (r < 0)
			return r;
		if (sendmsg(sender->fd, &record, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		r = -errno;
		if (r != -ECONNREFUSED && r != -ENOTCONN && r != -ECONNRESET)
			return r;
		disconnect(sender);
		r = 0;
	}
	return -ECONNREFUSED;
}

/* "<14>Nov 22 13:45:07 supervisord: " */
static int write_header(const struct syslog_sender *sender, char *header, size_t size)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	return snprintf(header, size, "<%d>%s %2d %02d:%02d:%02d %.64s: ", PRIORITY,
		months[local.tm_mon], local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
		sender->ident);
}

static void fail(struct syslog_sender *sender, int error)
{
	sender->dropped++;
	sender->retry = reeve_now() + RETRY;
	if (sender->failing == 0)
		log_line(LOG_WARN, "syslog %s takes no records: %s; they are dropped until it does",
			sender->path, reeve_error_text(error));
	sender->failing = error;
}

static void recovered(struct syslog_sender *sender)
{
	if (sender->failing == 0)
		return;
	sender->failing = 0;
	log_line(LOG_INFO, "syslog %s takes records again; %llu were dropped", sender->path,
		(unsigned long long)sender->dropped);
	sender->dropped = 0;
}

/* One line, whose text may come in two parts. */
static void emit(struct syslog_sender *sender, const char *name, const char *first, size_t first_size,
	const char *rest, size_t rest_size)
{
	char header[128];
	struct iovec parts[] = {
		{ .iov_base = header },
		{ .iov_base = (char *)(uintptr_t)name, .iov_len = strlen(name) },
		{ .iov_base = (char *)(uintptr_t) " ", .iov_len = *name ? 1 : 0 },
		{ .iov_base = (char *)(uintptr_t)first, .iov_len = first_size },
		{ .iov_base = (char *)(uintptr_t)rest, .iov_len = rest_size },
	};
	int r;

	if (sender->failing != 0 && reeve_now() < sender->retry) {
		sender->dropped++;
		return;
	}
	parts[0].iov_len = (size_t)write_header(sender, header, sizeof header);
	r = send_record(sender, parts, sizeof parts / sizeof parts[0]);
	if (r < 0)
		fail(sender, r);
	else
		recovered(sender);
}

/* ---- lines ---- */

/* Keep the beginning of a line. Without memory it is sent as it is, a line of its own. */
static bool keep(struct syslog_line *line, const char *data, size_t size)
{
	size_t room = 128;
	char *text;

	if (line->size + size > line->room) {
		while (room < line->size + size)
			room *= 2;
		text = realloc(line->text, room);
		if (!text)
			return false;
		line->text = text;
		line->room = (uint16_t)room;
	}
	memcpy(line->text + line->size, data, size);
	line->size += (uint16_t)size;
	return true;
}

static void forget(struct syslog_line *line)
{
	free(line->text);
	*line = (struct syslog_line){ 0 };
}

/* What is there of a line, or as much as a record holds; *ret_whole: its end is there. */
static size_t line_length(const char *data, size_t size, size_t before, bool *ret_whole)
{
	size_t most = SYSLOG_LINE_MAX - before;
	const char *newline = memchr(data, '\n', size < most + 1 ? size : most + 1);

	*ret_whole = newline || size > most;
	if (newline)
		return (size_t)(newline - data);
	return size < most ? size : most;
}

void syslog_write(struct syslog_sender *sender, struct syslog_line *line, const char *name,
	const char *data, size_t size)
{
	while (size > 0) {
		bool is_whole;
		size_t length = line_length(data, size, line->size, &is_whole);

		if (is_whole || !keep(line, data, length)) {
			emit(sender, name, line->text ? line->text : "", line->size, data, length);
			forget(line);
		}
		data += length;
		size -= length;
		if (size > 0 && *data == '\n' && is_whole) {
			data++;
			size--;
		}
	}
}

void syslog_finish(struct syslog_sender *sender, struct syslog_line *line, const char *name)
{
	if (line->size > 0)
		emit(sender, name, line->text, line->size, "", 0);
	forget(line);
}
