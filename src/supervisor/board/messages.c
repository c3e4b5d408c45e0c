#include "board/messages.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const struct kind {
	const char *name;
	size_t size;
	unsigned fds_min, fds_max;
} kinds[MESSAGE_TYPES] = {
#define ROW(name, type, fds_min, fds_max)                                                          \
	[MESSAGE_##name] = { #name, sizeof(struct type), fds_min, fds_max },
	MESSAGES(ROW)
#undef ROW
};

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* LOG_OPEN ends with its path's NUL. */
static bool log_open_is_whole(const struct message_log_open *open, size_t size)
{
	size_t before = offsetof(struct message_log_open, path);

	if (size <= before || size > sizeof *open)
		return false;
	return is_terminated(open->name, sizeof open->name) &&
	       strnlen(open->path, size - before) == size - before - 1;
}

static bool request_is_whole(const struct message_request *request)
{
	return request->kind != REQUEST_NONE && request->kind < REQUEST_KINDS &&
	       is_terminated(request->group, sizeof request->group) &&
	       is_terminated(request->name, sizeof request->name);
}

static bool is_whole(const union message *message)
{
	switch (message->type) {
	case MESSAGE_PEER_CHANGED:
		return message->peer.role < ROLES;
	case MESSAGE_REQUEST:
		return request_is_whole(&message->request);
	case MESSAGE_REPLY:
		return fault_name(message->reply.fault) &&
		       is_terminated(message->reply.text, sizeof message->reply.text);
	}
	return true;
}

int message_check(const union message *message, size_t size, unsigned fds)
{
	const struct kind *kind;

	if (size < sizeof message->type || message->type == MESSAGE_NONE ||
		message->type >= MESSAGE_TYPES)
		return -EBADMSG;
	kind = &kinds[message->type];
	if (fds < kind->fds_min || fds > kind->fds_max)
		return -EBADMSG;
	if (message->type == MESSAGE_LOG_OPEN)
		return log_open_is_whole(&message->log_open, size) ? MESSAGE_LOG_OPEN : -EBADMSG;
	return size == kind->size && is_whole(message) ? (int)message->type : -EBADMSG;
}

const char *message_name(uint32_t type)
{
	return type < MESSAGE_TYPES && kinds[type].name ? kinds[type].name : "unknown";
}

size_t message_size(const union message *message)
{
	if (message->type == MESSAGE_LOG_OPEN)
		return offsetof(struct message_log_open, path) + strlen(message->log_open.path) + 1;
	return message->type < MESSAGE_TYPES ? kinds[message->type].size : sizeof message->type;
}
