#include "ctl/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A list of strings: the next call overwrites the answer. */
static int copy_names(const struct xmlrpc_value *list, struct words *words)
{
	words->list = calloc((list ? list->count : 0) + 1, sizeof *words->list);
	if (!words->list)
		return -ENOMEM;
	for (const struct xmlrpc_value *name = list ? list->first : NULL; name; name = name->next) {
		if (name->kind != XMLRPC_STRING)
			continue;
		words->list[words->count] = strdup(name->text);
		if (!words->list[words->count])
			return -ENOMEM;
		words->count++;
	}
	return 0;
}

int changes_ask(struct session *session, struct changes *ret)
{
	const struct xmlrpc_value *answer, *lists[3] = { NULL };
	struct words *words[3] = { &ret->added, &ret->changed, &ret->removed };
	int r = RPC_NO_ARGUMENTS(session, &answer, "supervisor.reloadConfig");

	if (r != 0)
		return r;
	*ret = (struct changes){ 0 };
	if (answer->first) {
		const struct xmlrpc_value *list = answer->first->first;

		for (size_t i = 0; i < 3 && list; i++, list = list->next)
			lists[i] = list;
	}
	for (size_t i = 0; i < 3; i++)
		if (copy_names(lists[i], words[i]) < 0) {
			changes_deinit(ret);
			return session_fail_errno(session, -ENOMEM);
		}
	return 0;
}

void changes_deinit(struct changes *changes)
{
	words_deinit(&changes->added);
	words_deinit(&changes->changed);
	words_deinit(&changes->removed);
}
