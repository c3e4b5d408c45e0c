/* The answer that is asked for most: literals as long as can be, and no formatting by printf. */
#include "gateway/process_info.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "gateway/description.h"
#include "text/xmlrpc_write.h"

#define ADD(buffer, text) buffer_add(buffer, text, sizeof(text) - 1)
#define TEXT_MEMBER(name) "<member>\n<name>" name "</name>\n<value><string>"
#define TEXT_END "</string></value>\n</member>\n"
#define INT_MEMBER(name) "<member>\n<name>" name "</name>\n<value><int>"
#define INT_END "</int></value>\n</member>\n"

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

static void add_text(struct buffer *buffer, const char *text)
{
	xmlrpc_escape(buffer, text, strlen(text));
}

void process_info_write(struct buffer *buffer, const struct table_row *row,
	const struct board_record *record, reeve_nsec now, time_t wall)
{
	const char *state = process_state_name(record->state);
	char description[DESCRIPTION_SIZE];

	description_write(record, now, description);
	ADD(buffer, "<value><struct>\n" TEXT_MEMBER("name"));
	add_text(buffer, row->name);
	ADD(buffer, TEXT_END TEXT_MEMBER("group"));
	add_text(buffer, row->group);
	ADD(buffer, TEXT_END INT_MEMBER("start"));
	xmlrpc_add_digits(buffer, capped(record->started_wall));
	ADD(buffer, INT_END INT_MEMBER("stop"));
	xmlrpc_add_digits(buffer, capped(record->stopped_wall));
	ADD(buffer, INT_END INT_MEMBER("now"));
	xmlrpc_add_digits(buffer, capped(wall));
	ADD(buffer, INT_END INT_MEMBER("state"));
	xmlrpc_add_digits(buffer, record->state);
	ADD(buffer, INT_END TEXT_MEMBER("statename"));
	buffer_add_text(buffer, state ? state : "UNKNOWN");
	ADD(buffer, TEXT_END TEXT_MEMBER("spawnerr"));
	add_text(buffer, record->error);
	ADD(buffer, TEXT_END INT_MEMBER("exitstatus"));
	xmlrpc_add_digits(buffer, description_exit_status(record));
	ADD(buffer, INT_END TEXT_MEMBER("logfile"));
	add_text(buffer, row->stdout_logfile);
	ADD(buffer, TEXT_END TEXT_MEMBER("stdout_logfile"));
	add_text(buffer, row->stdout_logfile);
	ADD(buffer, TEXT_END TEXT_MEMBER("stderr_logfile"));
	add_text(buffer, row->stderr_logfile);
	ADD(buffer, TEXT_END INT_MEMBER("pid"));
	xmlrpc_add_digits(buffer, record->pid);
	ADD(buffer, INT_END TEXT_MEMBER("description"));
	add_text(buffer, description);
	ADD(buffer, TEXT_END "</struct></value>\n");
}
