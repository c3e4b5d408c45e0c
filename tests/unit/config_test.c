/* What a configuration comes to: values, order, sharing. What supervisord makes of the same is in
 * tests/conformance/; here is what only the structs show. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/harness.h"
#include "support/memory_source.h"

static struct report report;
static struct config *config;

static void setup(void)
{
	report_init(&report);
	config = NULL;
}

static void teardown(void)
{
	config = config_free(config);
	report_deinit(&report);
}

static void read_good(const char *text)
{
	if (read_text(text, &config, &report) != 0)
		ck_abort_msg("refused: %s", report.count ? report.entries[0].text : "?");
}

static const char *variable(const struct config_environment *environment, const char *name)
{
	for (size_t i = 0; i < environment->count; i++)
		if (strncmp(environment->variables[i].text, name,
			    environment->variables[i].name_length) == 0)
			return environment->variables[i].text +
			       environment->variables[i].name_length + 1;
	return NULL;
}

START_TEST(defaults_are_those_of_supervisord)
{
	const struct program_settings *program;
	const struct supervisord_settings *daemon;

	read_good("[supervisord]\n[program:a]\ncommand=/bin/true\n");
	daemon = &config->supervisord;
	ck_assert_str_eq(daemon->logfile, "/d/supervisord.log");
	ck_assert_str_eq(daemon->pidfile, "/d/supervisord.pid");
	ck_assert_str_eq(daemon->childlogdir, "/tmp");
	ck_assert_int_eq(daemon->logfile_maxbytes, 50 << 20);
	ck_assert_int_eq(daemon->umask, 022);
	ck_assert_int_eq(daemon->loglevel, LOG_LEVEL_INFO);
	ck_assert_ptr_null(daemon->user);
	ck_assert_ptr_null(daemon->serverurl);
	ck_assert_uint_eq(config->group_count, 1);
	ck_assert_uint_eq(config->process_count, 1);
	program = &config->groups[0].processes[0];
	ck_assert_str_eq(program->name, "a");
	ck_assert_int_eq(program->priority, 999);
	ck_assert_int_eq(program->stopsignal, 15);
	ck_assert_int_eq(program->umask, -1);
	ck_assert_int_eq(program->autorestart, AUTORESTART_UNEXPECTED);
	ck_assert_int_eq(program->stdout_log.kind, CONFIG_LOG_AUTO);
	ck_assert_uint_eq(program->exitcodes.count, 1);
	ck_assert_uint_eq(program->exitcodes.list[0], 0);
	ck_assert_uint_eq(program->environment->count, 0);
}
END_TEST

START_TEST(groups_and_processes_stand_in_start_order)
{
	static const char *const wanted[] = { "listener", "z", "early", "a", "b" };

	read_good("[supervisord]\n[program:b]\ncommand=x\n[program:a]\ncommand=x\n[program:early]"
		  "\ncommand=x\npriority=5\n"
		  "[program:m]\ncommand=x\n[group:z]\nprograms=m\npriority=1\n"
		  "[eventlistener:listener]\ncommand=x\nevents=TICK_5\n");
	ck_assert_uint_eq(config->group_count, 5);
	for (size_t i = 0; i < 5; i++)
		ck_assert_str_eq(config->groups[i].name, wanted[i]);
	ck_assert_uint_eq(config->groups[0].events, UINT64_C(1) << EVENT_TICK_5);
}
END_TEST

START_TEST(processes_of_a_program_are_sorted_by_name)
{
	const struct config_group *group;

	read_good("[supervisord]\n[program:w]\ncommand=x "
		  "%(process_num)d\nnumprocs=11\nprocess_name=w%(process_num)d\n");
	group = &config->groups[0];
	ck_assert_uint_eq(group->process_count, 11);
	ck_assert_str_eq(group->processes[1].name, "w1");
	ck_assert_str_eq(group->processes[2].name, "w10");
	ck_assert_str_eq(group->processes[2].command, "x 10");
	ck_assert_str_eq(group->processes[3].name, "w2");
}
END_TEST

/* As in a Python dictionary: the last value in the place of the first. */
START_TEST(of_two_processes_with_one_name_the_last_lives)
{
	const struct config_group *group;

	read_good("[supervisord]\n[program:a]\ncommand=1\nprocess_name=p\n[program:b]\ncommand="
		  "2\npriority=1\n"
		  "[program:c]\ncommand=3\nprocess_name=p\n[group:g]\nprograms=a,b,c\n");
	group = &config->groups[0];
	ck_assert_uint_eq(group->process_count, 3);
	ck_assert_uint_eq(group->start_count, 2);
	ck_assert_str_eq(group->processes[group->start_order[0]].command, "2");
	ck_assert_str_eq(group->processes[group->start_order[1]].command, "3");
}
END_TEST

START_TEST(an_environment_lies_over_that_of_supervisord)
{
	const struct config_environment *environment;

	read_good("[supervisord]\nenvironment=A=\"1\",B=\"%(ENV_X)s\"\n"
		  "[program:p]\ncommand=%(ENV_A)s%(ENV_C)s\nenvironment=B=\"%(ENV_A)s2\",C=3\n["
		  "program:q]\ncommand=x\n");
	environment = config->groups[0].processes[0].environment;
	ck_assert_uint_eq(environment->count, 3);
	ck_assert_str_eq(environment->variables[0].text, "A=1");
	ck_assert_str_eq(variable(environment, "B"), "12");
	ck_assert_str_eq(config->groups[0].processes[0].command, "13");
	ck_assert_str_eq(variable(config->groups[1].processes[0].environment, "B"), "xval");
	ck_assert_ptr_eq(
		config->groups[1].processes[0].environment, config->supervisord.environment);
}
END_TEST

/* The supervisor's memory is counted on it. */
START_TEST(a_thousand_processes_are_small_and_share_what_is_equal)
{
	const struct config_group *group;

	read_good(
		"[supervisord]\nenvironment=A=1\n[program:w]\ncommand=/usr/bin/worker --number "
		"%(process_num)d\nnumprocs=1000\n"
		"process_name=%(program_name)s_%(process_num)03d\nenvironment=B=2,C=3\nuser=app\n"
		"stdout_logfile=/log/%(program_name)s-%(process_num)d.log\nredirect_stderr=true\n");
	group = &config->groups[0];
	ck_assert_uint_eq(group->process_count, 1000);
	ck_assert_uint_lt(config->memory / 1000, 700);
	ck_assert_ptr_eq(group->processes[0].environment, group->processes[999].environment);
	ck_assert_ptr_eq(group->processes[0].user, group->processes[999].user);
	ck_assert_ptr_eq(group->processes[0].exitcodes.list, group->processes[999].exitcodes.list);
	ck_assert_str_eq(group->processes[999].stdout_log.path, "/log/w-999.log");
	ck_assert_int_eq(group->processes[999].stderr_log.kind, CONFIG_LOG_NONE);
}
END_TEST

START_TEST(includes_are_read_in_order_with_a_directory_of_their_own)
{
	static const struct memory_file files[] = {
		{ "/d/inc/a.conf", "[program:a]\ncommand=%(here)s/a\n[include]\nfiles=nothing\n" },
		{ "/d/inc/b.conf", "[program:a]\ndirectory=%(here)s\n" },
		{ "/d/inc/c.conf", NULL },
		{ "/d/main.conf", "[supervisord]\n[include]\nfiles=inc/*.conf none*\n" },
		{ 0 },
	};
	const struct config_request request = memory_request("/d/main.conf");

	memory_files = files;
	ck_assert_int_eq(config_read(&request, &config, &report), 0);
	ck_assert_uint_eq(config->included_count, 3);
	ck_assert_str_eq(config->included[1], "/d/inc/b.conf");
	ck_assert_str_eq(config->groups[0].processes[0].command, "/d/inc/a");
	ck_assert_str_eq(config->groups[0].processes[0].directory, "/d/inc");
	ck_assert_uint_eq(report_count(&report, REPORT_INFO), 3);
	ck_assert_uint_eq(report_count(&report, REPORT_WARNING), 1);
	ck_assert_str_eq(
		report.entries[0].text, "Included extra file \"/d/inc/a.conf\" during parsing");
}
END_TEST

START_TEST(users_and_owners_have_numbers)
{
	const struct config_socket *socket;

	read_good("[supervisord]\nuser=app\n[unix_http_server]\nfile=~/"
		  "s\nchown=app:wheel\nchmod=0770\n"
		  "[fcgi-program:f]\ncommand=x\nsocket=unix:///d/../tmp/f\nuser=app\n"
		  "[fcgi-program:g]\ncommand=x\nsocket=unix:///tmp/"
		  "g\nsocket_owner=root\nsocket_backlog=9\n");
	ck_assert_uint_eq(config->supervisord.user->uid, 1000);
	ck_assert_uint_eq(config->supervisord.user->gid, 100);
	ck_assert_str_eq(config->servers[0].file, "/home/app/s");
	ck_assert_int_eq(config->servers[0].chown.uid, 1000);
	ck_assert_int_eq(config->servers[0].chown.gid, 10);
	ck_assert_str_eq(config->supervisord.serverurl, "unix:///home/app/s");
	socket = config->groups[0].socket;
	ck_assert_str_eq(socket->url, "unix:///tmp/f");
	ck_assert(socket->has_owner);
	ck_assert_int_eq(socket->owner.uid, 1000);
	ck_assert_int_eq(socket->owner.gid, 100);
	ck_assert_int_eq(config->groups[1].socket->owner.gid, -1);
	ck_assert_uint_eq(config->groups[1].socket->backlog, 9);
}
END_TEST

START_TEST(the_command_line_beats_the_file)
{
	static const struct memory_file files[] = {
		{ "/d/main.conf",
			"[supervisord]\nlogfile=/tmp/a\numask=077\nuser=nobody_at_all\n" },
		{ 0 },
	};
	static const struct config_override overrides[] = {
		{ "logfile", "/log/%b" },
		{ "nodaemon", "true" },
		{ "user", "app" },
		{ "logfile_maxbytes", "1KB" },
	};
	struct config_request request = memory_request("/d/main.conf");

	memory_files = files;
	request.overrides = overrides;
	request.override_count = 4;
	ck_assert_int_eq(config_read(&request, &config, &report), 0);
	ck_assert_str_eq(config->supervisord.logfile, "/log/%b");
	ck_assert_int_eq(config->supervisord.umask, 077);
	ck_assert_int_eq(config->supervisord.logfile_maxbytes, 1024);
	ck_assert(config->supervisord.nodaemon);
	ck_assert_str_eq(config->supervisord.user->name, "app");
}
END_TEST

START_TEST(an_override_can_be_checked_alone)
{
	char *why = NULL;

	ck_assert_int_eq(
		config_check_override(&(struct config_override){ "umask", "022" }, &why), 0);
	ck_assert_int_eq(
		config_check_override(&(struct config_override){ "nonsense", "1" }, &why), -ENOENT);
	ck_assert_int_eq(
		config_check_override(&(struct config_override){ "umask", "9" }, &why), -EINVAL);
	ck_assert_str_eq(why, "\"9\" is not an octal number such as 022");
	free(why);
}
END_TEST

START_TEST(supervisorctl_is_kept_and_never_refused)
{
	read_good("[supervisord]\n[supervisorctl]\nserverurl=unix://%(here)s/"
		  "s\nusername=%(ENV_NOPE)s\nprompt=p\n");
	ck_assert(config->supervisorctl.present);
	ck_assert_str_eq(config->supervisorctl.serverurl, "unix:///d/s");
	ck_assert_ptr_null(config->supervisorctl.username);
	ck_assert_str_eq(config->supervisorctl.prompt, "p");
}
END_TEST

START_TEST(an_open_server_is_critical_unless_it_is_local)
{
	read_good("[supervisord]\n[inet_http_server]\nport=127.0.0.1:1\n[inet_http_server:b]\nport="
		  "*:2\nusername=u\npassword=p\n");
	ck_assert_uint_eq(report_count(&report, REPORT_CRITICAL), 0);
	config = config_free(config);
	read_good("[supervisord]\n[inet_http_server]\nport=9001\n");
	ck_assert_uint_eq(report_count(&report, REPORT_CRITICAL), 1);
	ck_assert_str_eq(config->supervisord.serverurl, "http://localhost:9001");
}
END_TEST

/* Two readings of the first text, and one of the second. */
static bool equal_after(const char *first, const char *second)
{
	struct config *a, *b;
	bool equal;

	read_good(first);
	a = config;
	read_good(second);
	b = config;
	config = NULL;
	equal = config_group_equal(&a->groups[0], &b->groups[0]);
	config_free(a);
	config_free(b);
	return equal;
}

START_TEST(groups_are_equal_until_something_differs)
{
	static const char base[] =
		"[supervisord]\n[program:a]\ncommand=x\nenvironment=A=1\nstdout_logfile=/tmp/o\n";
	static const char *const changes[] = { "[program:a]\ncommand=y\n",
		"[program:a]\npriority=1\n", "[program:a]\nuser=app\n",
		"[program:a]\nenvironment=A=2\n",
		"[program:a]\nnumprocs=2\nprocess_name=%(process_num)d\n",
		"[program:a]\nexitcodes=\n", "[program:a]\nstdout_logfile=/tmp/p\n",
		"[program:a]\nstdout_syslog=1\n", "[program:a]\nautorestart=true\n",
		"[program:a]\numask=0\n", "[supervisord]\nenvironment=B=1\n" };

	ck_assert(equal_after(base, base));
	ck_assert(equal_after(base,
		"[supervisord]\n[program:a]\ncommand=x\nenvironment=A=1\nstdout_logfile=AUTO\n"));
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		char text[512];

		snprintf(text, sizeof text, "%s%s", base, changes[i]);
		ck_assert_msg(!equal_after(base, text), "%s", changes[i]);
	}
}
END_TEST

START_TEST(events_have_names_and_parents)
{
	for (enum event_type type = 0; type < EVENT_TYPE_COUNT; type++) {
		enum event_type found, up = type;
		int steps = 0;

		ck_assert_int_eq(event_type_from_name(event_type_name(type), &found), 0);
		ck_assert_int_eq(found, type);
		while (up != EVENT_EVENT && ++steps < 5)
			up = event_type_parent(up);
		ck_assert_int_eq(up, EVENT_EVENT);
	}
	ck_assert_int_eq(event_type_parent(EVENT_TICK_60), EVENT_TICK);
}
END_TEST

START_TEST(groups_of_a_user_begin_with_its_primary_one)
{
	const struct config_user user = { .name = "root", .uid = 0, .gid = 0 };
	gid_t *groups;
	size_t count;

	ck_assert_int_eq(config_user_groups(&user, &groups, &count), 0);
	ck_assert_uint_ge(count, 1);
	ck_assert_uint_eq(groups[0], 0);
	free(groups);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = leakproof_case("config");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, defaults_are_those_of_supervisord);
	tcase_add_test(tcase, groups_and_processes_stand_in_start_order);
	tcase_add_test(tcase, processes_of_a_program_are_sorted_by_name);
	tcase_add_test(tcase, of_two_processes_with_one_name_the_last_lives);
	tcase_add_test(tcase, an_environment_lies_over_that_of_supervisord);
	tcase_add_test(tcase, a_thousand_processes_are_small_and_share_what_is_equal);
	tcase_add_test(tcase, includes_are_read_in_order_with_a_directory_of_their_own);
	tcase_add_test(tcase, users_and_owners_have_numbers);
	tcase_add_test(tcase, the_command_line_beats_the_file);
	tcase_add_test(tcase, an_override_can_be_checked_alone);
	tcase_add_test(tcase, supervisorctl_is_kept_and_never_refused);
	tcase_add_test(tcase, an_open_server_is_critical_unless_it_is_local);
	tcase_add_test(tcase, groups_are_equal_until_something_differs);
	tcase_add_test(tcase, events_have_names_and_parents);
	tcase_add_test(tcase, groups_of_a_user_begin_with_its_primary_one);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
