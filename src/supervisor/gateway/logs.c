/* Log files, which the scribe opens for us. So few asks are under way at a time that its answers always have room in
 * the channel. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "board/log.h"
#include "gateway/mail.h"

#define UNDER_WAY_MOST 64

struct log_ask {
	struct log_ask *previous, *next;
	log_file_callback *callback; /* NULL: it was cancelled */
	void *data;
	uint64_t number;
	uint32_t stream;
};

static void append(struct log_ask_list *list, struct log_ask *ask)
{
	ask->number = ++list->number;
	ask->previous = list->last;
	*(list->last ? &list->last->next : &list->first) = ask;
	list->last = ask;
	if (!list->unsent)
		list->unsent = ask;
	list->count++;
}

static void detach(struct log_ask_list *list, struct log_ask *ask)
{
	if (list->unsent == ask)
		list->unsent = ask->next;
	*(ask->previous ? &ask->previous->next : &list->first) = ask->next;
	*(ask->next ? &ask->next->previous : &list->last) = ask->previous;
	list->count--;
}

void log_asks_free(struct gateway *gateway)
{
	struct log_ask_list *list = &gateway->mail->log_asks;

	while (list->first) {
		struct log_ask *ask = list->first;

		detach(list, ask);
		free(ask);
	}
}

void log_asks_flush(struct gateway *gateway)
{
	struct log_ask_list *list = &gateway->mail->log_asks;

	while (list->unsent && list->under_way < UNDER_WAY_MOST) {
		struct message_log_read message = {
			.type = MESSAGE_LOG_READ,
			.stream = list->unsent->stream,
			.number = list->unsent->number,
		};

		if (mail_send(&gateway->mail->peers[ROLE_SCRIBE], &message, -EBADF) < 0)
			return;
		list->unsent = list->unsent->next;
		list->under_way++;
	}
}

void log_asks_unsend(struct gateway *gateway)
{
	struct log_ask_list *list = &gateway->mail->log_asks;

	list->unsent = list->first;
	list->under_way = 0;
}

int log_file_ask(struct gateway *gateway, uint32_t stream, log_file_callback *callback, void *data,
	struct log_ask **ret)
{
	struct log_ask_list *list = &gateway->mail->log_asks;
	struct log_ask *ask;

	if (list->count >= LOG_ASKS_MAX)
		return -EBUSY;
	ask = calloc(1, sizeof *ask);
	if (!ask)
		return -ENOMEM;
	ask->callback = callback;
	ask->data = data;
	ask->stream = stream;
	append(list, ask);
	if (ret)
		*ret = ask;
	log_asks_flush(gateway);
	return 0;
}

void log_file_cancel(struct log_ask *ask)
{
	ask->callback = NULL;
}

/* Those that are under way are the first ones. */
static struct log_ask *find(const struct log_ask_list *list, uint64_t number)
{
	for (struct log_ask *ask = list->first; ask != list->unsent; ask = ask->next)
		if (ask->number == number)
			return ask;
	return NULL;
}

void log_asks_take(struct gateway *gateway, const struct message_log_file *answer, int fd_consume)
{
	struct log_ask_list *list = &gateway->mail->log_asks;
	struct log_ask *ask = find(list, answer->number);
	int result = fd_consume >= 0 ? fd_consume : answer->error < 0 ? answer->error : -ENOENT;

	if (!ask || !ask->callback) {
		if (fd_consume >= 0)
			close(fd_consume);
		if (!ask) {
			log_line(LOG_ERROR, "gateway: dropped an answer to nothing from the scribe");
			return;
		}
	}
	detach(list, ask);
	list->under_way--;
	if (ask->callback)
		ask->callback(ask->data, result);
	free(ask);
	log_asks_flush(gateway);
}
