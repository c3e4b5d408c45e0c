#include "board/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int log_fd = -1;
static int log_threshold = LOG_INFO;
static unsigned long dropped;

/* Records that wait for log_flush(). */
static struct {
	bool on;
	unsigned records;
	size_t size;
	char bytes[LOG_RECORD_MAX];
} held;

int log_level(void)
{
	return log_threshold;
}

static const char *letters_of(enum log_level level)
{
	switch (level) {
#define ROW(name, number, letters, word)                                                           \
	case LOG_##name:                                                                           \
		return letters;
		LOG_LEVELS(ROW)
#undef ROW
	}
	return "????";
}

static bool write_whole(const char *bytes, size_t size)
{
	return write(log_fd, bytes, size) == (ssize_t)size;
}

void log_hold(void)
{
	held.on = true;
}

void log_flush(void)
{
	if (held.size > 0 && !write_whole(held.bytes, held.size))
		dropped += held.records;
	held.size = 0;
	held.records = 0;
}

void log_to(int fd, int level)
{
	log_flush();
	held.on = false;
	log_fd = fd;
	log_threshold = level;
}

static bool pass_on(const char *record, size_t size)
{
	if (!held.on)
		return write_whole(record, size);
	if (held.size + size > sizeof held.bytes)
		log_flush();
	memcpy(held.bytes + held.size, record, size);
	held.size += size;
	held.records++;
	return true;
}

/* "2026-11-22 13:45:07,123 INFO " */
static size_t write_prefix(char *record, size_t size, enum log_level level)
{
	struct timespec now;
	struct tm local;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	return (size_t)snprintf(record, size, "%04d-%02d-%02d %02d:%02d:%02d,%03ld %s ",
		local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min,
		local.tm_sec, now.tv_nsec / 1000000, letters_of(level));
}

__attribute__((format(printf, 2, 0))) static bool write_record(
	enum log_level level, const char *format, va_list arguments)
{
	char record[LOG_RECORD_MAX];
	size_t used = write_prefix(record, sizeof record, level);
	int text = vsnprintf(record + used, sizeof record - used - 1, format, arguments);

	if (text < 0)
		return true;
	used += (size_t)text;
	if (used > sizeof record - 2)
		used = sizeof record - 2;
	record[used++] = '\n';
	return pass_on(record, used);
}

__attribute__((format(printf, 2, 3))) static bool write_text(
	enum log_level level, const char *format, ...)
{
	va_list arguments;
	bool written;

	va_start(arguments, format);
	written = write_record(level, format, arguments);
	va_end(arguments);
	return written;
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (log_fd < 0 || (int)level < log_threshold)
		return;
	if (dropped > 0) {
		if (!write_text(LOG_ERROR, "%lu records of this log were dropped: it was not read fast enough",
			    dropped)) {
			dropped++;
			return;
		}
		dropped = 0;
	}
	va_start(arguments, format);
	if (!write_record(level, format, arguments))
		dropped++;
	va_end(arguments);
}
