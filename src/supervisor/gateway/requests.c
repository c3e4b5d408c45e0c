/* What the core is asked, kept until it is answered: a core that is killed knows of nothing, and is asked again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board/log.h"
#include "gateway/mail.h"
#include "reeve/map.h"

struct request {
	struct gateway *gateway;
	struct request *previous, *next; /* of all, by number */
	struct request *next_in_bucket;
	request_callback *callback; /* NULL: it was cancelled */
	void *data;
	uint64_t number;
	uint32_t kind;
	int32_t value;
	int fd; /* its data; negative: none */
	bool wait, was_sent;
	char names[]; /* the group's and the process's, one after the other */
};

/* ---- the list ---- */

static struct request **bucket(struct request_list *list, uint64_t number)
{
	return &list->by_number[number % REQUEST_BUCKETS];
}

static struct request *find(struct request_list *list, uint64_t number)
{
	struct request *request = *bucket(list, number);

	while (request && request->number != number)
		request = request->next_in_bucket;
	return request;
}

static void append(struct request_list *list, struct request *request)
{
	struct request **at;

	request->number = ++list->number;
	at = bucket(list, request->number);
	request->next_in_bucket = *at;
	*at = request;
	request->previous = list->last;
	*(list->last ? &list->last->next : &list->first) = request;
	list->last = request;
	if (!list->unsent)
		list->unsent = request;
	list->count++;
	list->with_data += request->fd >= 0;
}

static void detach(struct request_list *list, struct request *request)
{
	struct request **at = bucket(list, request->number);

	while (*at != request)
		at = &(*at)->next_in_bucket;
	*at = request->next_in_bucket;
	if (list->unsent == request)
		list->unsent = request->next;
	*(request->previous ? &request->previous->next : &list->first) = request->next;
	*(request->next ? &request->next->previous : &list->last) = request->previous;
	list->count--;
	list->with_data -= request->fd >= 0;
}

static void free_request(struct request *request)
{
	if (request->fd >= 0)
		close(request->fd);
	free(request);
}

void requests_free(struct gateway *gateway)
{
	struct request_list *list = &gateway->mail->requests;

	while (list->first) {
		struct request *request = list->first;

		detach(list, request);
		free_request(request);
	}
}

/* ---- sending ---- */

static struct message_request message_of(const struct request *request)
{
	struct message_request message = {
		.type = MESSAGE_REQUEST,
		.kind = request->kind,
		.number = request->number,
		.value = request->value,
		.wait = request->wait,
		.again = request->was_sent,
	};
	size_t group = strlen(request->names) + 1;

	memcpy(message.group, request->names, group);
	memcpy(message.name, request->names + group, strlen(request->names + group) + 1);
	return message;
}

void requests_flush(struct gateway *gateway)
{
	struct request_list *list = &gateway->mail->requests;

	while (list->unsent) {
		struct message_request message = message_of(list->unsent);

		if (mail_send(&gateway->mail->peers[ROLE_CORE], &message, list->unsent->fd) < 0)
			return;
		list->unsent->was_sent = true;
		list->unsent = list->unsent->next;
	}
}

void requests_unsend(struct gateway *gateway)
{
	struct request_list *list = &gateway->mail->requests;

	list->unsent = list->first;
}

/* A sealed memfd of these bytes. */
static int make_data(const void *bytes, size_t size)
{
	int fd = memfd_create("reeve request", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < size) {
		ssize_t n = write(fd, (const char *)bytes + done, size - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done < size || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		close(fd);
		return -ENOMEM;
	}
	return fd;
}

static struct request *make_request(const struct message_request *message)
{
	size_t group = strlen(message->group) + 1, name = strlen(message->name) + 1;
	struct request *request = calloc(1, sizeof *request + group + name);

	if (!request)
		return NULL;
	request->kind = message->kind;
	request->value = message->value;
	request->wait = message->wait;
	request->fd = -EBADF;
	memcpy(request->names, message->group, group);
	memcpy(request->names + group, message->name, name);
	return request;
}

int request_send(struct gateway *gateway, const struct message_request *message, const void *bytes,
	size_t size, request_callback *callback, void *data, struct request **ret)
{
	struct request_list *list = &gateway->mail->requests;
	struct request *request;

	if (size > REQUEST_DATA_MAX)
		return -EMSGSIZE;
	if (list->count >= REQUESTS_MAX || (size > 0 && list->with_data >= REQUESTS_WITH_DATA_MAX))
		return -EBUSY;
	request = make_request(message);
	if (!request)
		return -ENOMEM;
	if (size > 0) {
		request->fd = make_data(bytes, size);
		if (request->fd < 0) {
			int error = request->fd;

			free(request);
			return error;
		}
	}
	request->gateway = gateway;
	request->callback = callback;
	request->data = data;
	append(list, request);
	if (ret)
		*ret = request;
	if (list->unsent == request)
		requests_flush(gateway);
	return 0;
}

void request_cancel(struct request *request)
{
	request->callback = NULL;
}

/* ---- answers ---- */

/* Its data, mapped; NULL: none, or none that one could trust. */
static struct reeve_map *map_data(int fd)
{
	struct reeve_map *map;

	if (fd < 0)
		return NULL;
	if (reeve_map_received(fd, REEVE_MAP_READ, 1, REEVE_MAP_SEAL_SHRINK, &map) < 0)
		return NULL;
	if (reeve_map_size(map) <= REQUEST_DATA_MAX)
		return map;
	log_line(LOG_ERROR, "gateway: a reply of %zu bytes is more than can be", reeve_map_size(map));
	return reeve_map_free(map);
}

void requests_take(struct gateway *gateway, const struct message_reply *reply, int fd_consume)
{
	struct request_list *list = &gateway->mail->requests;
	struct request *request = find(list, reply->number);
	struct reeve_map *map = map_data(fd_consume);

	if (fd_consume >= 0)
		close(fd_consume);
	if (!request || !request->was_sent) {
		log_line(LOG_ERROR, "gateway: dropped a reply to nothing from the core");
		reeve_map_free(map);
		return;
	}
	detach(list, request);
	if (request->callback)
		request->callback(request->data, reply, map ? reeve_map_data(map) : NULL,
			map ? reeve_map_size(map) : 0);
	free_request(request);
	reeve_map_free(map);
}
