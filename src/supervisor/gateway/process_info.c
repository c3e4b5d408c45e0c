/* The answer that is asked for most: written straight into memory, as long literals with little between them. */
#include "gateway/process_info.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "gateway/description.h"
#include "text/xmlrpc_write.h"

/* A literal, without its NUL. */
#define PUT(at, text) mempcpy(at, text, sizeof(text) - 1)
#define TEXT_MEMBER(name) "<member>\n<name>" name "</name>\n<value><string>"
#define TEXT_END "</string></value>\n</member>\n"
#define INT_MEMBER(name) "<member>\n<name>" name "</name>\n<value><int>"
#define INT_END "</int></value>\n</member>\n"

/* All literals and numbers, and a state's name. */
#define FIXED_SIZE 1400

int row_read(struct gateway *gateway, const struct table_row *row, struct board_record *ret)
{
	int r = board_read(&gateway->board, row->row, ret);

	if (r == 0 && (strcmp(ret->name, row->name) != 0 || strcmp(ret->group, row->group) != 0))
		return -ENOENT;
	return r;
}

/* XML-RPC's integers have 32 bits. */
static int32_t capped(int64_t value)
{
	return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

static char *put_text(char *at, const char *text)
{
	return xmlrpc_put_escaped(at, text, strlen(text));
}

/* "7:05:09" without printf, for the description that most processes have most of the time. */
static char *put_two_digits(char *at, int64_t value)
{
	*at++ = (char)('0' + value / 10);
	*at++ = (char)('0' + value % 10);
	return at;
}

static char *put_uptime(char *at, const struct board_record *record, reeve_nsec now)
{
	int64_t seconds = now > record->started ? (now - record->started) / REEVE_SEC : 0;
	int64_t days = seconds / 86400;

	at = PUT(at, "pid ");
	at = xmlrpc_put_digits(at, record->pid);
	at = PUT(at, ", uptime ");
	if (days > 0) {
		at = xmlrpc_put_digits(at, days);
		at = days == 1 ? PUT(at, " day, ") : PUT(at, " days, ");
	}
	at = xmlrpc_put_digits(at, seconds / 3600 % 24);
	*at++ = ':';
	at = put_two_digits(at, seconds / 60 % 60);
	*at++ = ':';
	return put_two_digits(at, seconds % 60);
}

static char *put_description(char *at, const struct board_record *record, reeve_nsec now)
{
	char description[DESCRIPTION_SIZE];

	if (record->state == STATE_RUNNING)
		return put_uptime(at, record, now);
	description_write(record, now, description);
	return put_text(at, description);
}

void process_info_write(struct buffer *buffer, const struct table_row *row,
	const struct board_record *record, reeve_nsec now, time_t wall)
{
	const char *state = process_state_name(record->state);
	size_t texts = strlen(row->name) + strlen(row->group) + 2 * strlen(row->stdout_logfile) +
		       strlen(row->stderr_logfile) + BOARD_TEXT_SIZE + DESCRIPTION_SIZE;
	char *at = buffer_open(buffer, FIXED_SIZE + texts * XMLRPC_ESCAPED_MAX);

	if (!at)
		return;
	at = PUT(at, "<value><struct>\n" TEXT_MEMBER("name"));
	at = put_text(at, row->name);
	at = PUT(at, TEXT_END TEXT_MEMBER("group"));
	at = put_text(at, row->group);
	at = PUT(at, TEXT_END INT_MEMBER("start"));
	at = xmlrpc_put_digits(at, capped(record->started_wall));
	at = PUT(at, INT_END INT_MEMBER("stop"));
	at = xmlrpc_put_digits(at, capped(record->stopped_wall));
	at = PUT(at, INT_END INT_MEMBER("now"));
	at = xmlrpc_put_digits(at, capped(wall));
	at = PUT(at, INT_END INT_MEMBER("state"));
	at = xmlrpc_put_digits(at, record->state);
	at = PUT(at, INT_END TEXT_MEMBER("statename"));
	at = put_text(at, state ? state : "UNKNOWN");
	at = PUT(at, TEXT_END TEXT_MEMBER("spawnerr"));
	at = put_text(at, record->error);
	at = PUT(at, TEXT_END INT_MEMBER("exitstatus"));
	at = xmlrpc_put_digits(at, description_exit_status(record));
	at = PUT(at, INT_END TEXT_MEMBER("logfile"));
	at = put_text(at, row->stdout_logfile);
	at = PUT(at, TEXT_END TEXT_MEMBER("stdout_logfile"));
	at = put_text(at, row->stdout_logfile);
	at = PUT(at, TEXT_END TEXT_MEMBER("stderr_logfile"));
	at = put_text(at, row->stderr_logfile);
	at = PUT(at, TEXT_END INT_MEMBER("pid"));
	at = xmlrpc_put_digits(at, record->pid);
	at = PUT(at, INT_END TEXT_MEMBER("description"));
	at = put_description(at, record, now);
	at = PUT(at, TEXT_END "</struct></value>\n");
	buffer_close(buffer, at);
}
