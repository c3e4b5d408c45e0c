/* The groups of the users that programs run as, looked up once each: a look-up may read files or ask a server. */
#include <errno.h>
#include <stdlib.h>

#include "core/state.h"

struct account {
	struct account *next;
	const struct config_user *user;
	gid_t *groups;
	size_t count;
};

int account_groups(
	struct core *core, const struct config_user *user, const gid_t **ret, size_t *ret_count)
{
	struct account *account;
	int r;

	for (account = core->accounts; account; account = account->next)
		if (account->user == user)
			break;
	if (!account) {
		account = calloc(1, sizeof *account);
		if (!account)
			return -ENOMEM;
		r = config_user_groups(user, &account->groups, &account->count);
		if (r < 0) {
			free(account);
			return r;
		}
		account->user = user;
		account->next = core->accounts;
		core->accounts = account;
	}
	*ret = account->groups;
	*ret_count = account->count;
	return 0;
}

void account_free_all(struct core *core)
{
	while (core->accounts) {
		struct account *account = core->accounts;

		core->accounts = account->next;
		free(account->groups);
		free(account);
	}
}
