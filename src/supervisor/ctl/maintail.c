#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/tail.h"

static int follow(struct session *session)
{
	struct follow_source source = { NULL, strdup("/mainlogtail") };

	return source.target ? tail_follow(session, &source, 1) : session_fail_errno(session, -ENOMEM);
}

static int run(struct session *session, struct span arguments)
{
	CLEANUP_WORDS struct words words = { 0 };
	const struct xmlrpc_value *answer;
	int64_t bytes = TAIL_BYTES;
	bool follows = false;
	int r = rpc_check_server(session);

	if (r <= 0)
		return r;
	if (words_split(arguments, &words) < 0)
		return session_fail_errno(session, -ENOMEM);
	if (words.count > 1)
		return command_misused(session, &command_maintail, STATUS_GENERIC, "too many arguments");
	if (words.count == 1 &&
		(words.list[0][0] != '-' || !tail_parse_modifier(words.list[0], &follows, &bytes)))
		return tail_bad_argument(session, words.list[0]);
	if (follows)
		return follow(session);
	r = RPC(session, &answer, "supervisor.readLog", RPC_NUMBER(-bytes), RPC_NUMBER(0));
	return tail_tell(session, r, answer, "supervisord");
}

const struct command command_maintail = {
	.name = "maintail",
	.summary = "the same of the supervisor's own log",
	.help = "maintail [-BYTES]\tthe last 1600, or so many, bytes of the supervisor's own log\n"
		"maintail -f\t\twhat comes, until Ctrl-C",
	.run = run,
};
