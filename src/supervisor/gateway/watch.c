/* Who wants to know when something on the board changes. The core is asked to tell as long as there is anybody. */
#include "gateway/mail.h"

void watch_flush(struct gateway *gateway)
{
	struct watch_list *list = &gateway->mail->watches;
	struct message_watch message = { .type = MESSAGE_WATCH, .on = list->first != NULL };

	if (list->told_core == (list->first != NULL))
		return;
	if (mail_send(&gateway->mail->peers[ROLE_CORE], &message, -1) == 0)
		list->told_core = list->first != NULL;
}

void watch_begin(struct gateway *gateway, struct watcher *watcher)
{
	struct watch_list *list = &gateway->mail->watches;

	watcher->next = list->first;
	list->first = watcher;
	watch_flush(gateway);
}

void watch_end(struct gateway *gateway, struct watcher *watcher)
{
	struct watch_list *list = &gateway->mail->watches;
	struct watcher **at = &list->first;

	while (*at && *at != watcher)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = watcher->next;
	if (list->next == watcher)
		list->next = watcher->next;
	watch_flush(gateway);
}

void watch_tell_all(struct gateway *gateway)
{
	struct watch_list *list = &gateway->mail->watches;

	for (struct watcher *watcher = list->first; watcher; watcher = list->next) {
		list->next = watcher->next;
		watcher->changed(watcher);
	}
	list->next = NULL;
}
