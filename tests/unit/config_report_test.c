/* What a person is told: errors with their line, and lint. */
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
	report.lint = true;
	config = NULL;
}

static void teardown(void)
{
	config = config_free(config);
	report_deinit(&report);
}

/* The entries of a level, each a line. */
static const char *entries(enum report_level level)
{
	static char shown[4096];

	shown[0] = '\0';
	for (size_t i = 0; i < report.count; i++) {
		char *text;

		if (report.entries[i].level != level)
			continue;
		text = report_entry_text(&report.entries[i]);
		snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "%s\n", text);
		free(text);
	}
	return shown;
}

#define D "[supervisord]\n"
#define P "[program:a]\ncommand=x\n"

static const struct {
	const char *text, *error;
} refused[] = {
	{ D P "startsecs=ten", "main.conf:4: startsecs: \"ten\" is not a whole number of seconds" },
	{ D P "startretries=1.5", "main.conf:4: startretries: \"1.5\" is not a whole number" },
	{ D P "autostart=maybe", "main.conf:4: autostart: \"maybe\" is not a yes or no" },
	{ D P "autorestart=x", "main.conf:4: autorestart: \"x\" is not true, false or unexpected" },
	{ D P "stdout_logfile_maxbytes=1M",
		"main.conf:4: stdout_logfile_maxbytes: \"1M\" is not a size" },
	{ D P "stdout_logfile=/nope/x", "main.conf:4: stdout_logfile: \"/nope/x\" is not a path in "
					"a directory that exists" },
	{ D P "umask=9", "main.conf:4: umask: \"9\" is not an octal number" },
	{ D P "stopsignal=FOO", "main.conf:4: stopsignal: \"FOO\" is not a signal" },
	{ D P "exitcodes=256", "main.conf:4: exitcodes: \"256\" is not a list of exit codes" },
	{ D P "user=nosuch", "main.conf:4: user: \"nosuch\" is not a user of this system" },
	{ D P "environment=A",
		"main.conf:4: environment: Unexpected end of key/value pairs in \"A\"" },
	{ D P "environment=A=\"", "main.conf:4: environment: No closing quotation" },
	{ D P "directory=%(nope)s", "main.conf:4: directory: \"%(nope)s\" names \"nope\", which "
				    "cannot be expanded here" },
	{ D P "directory=%",
		"main.conf:4: directory: \"%\" is badly formatted at its character 1" },
	{ D P "directory=%(ENV_NO)s",
		"directory: \"%(ENV_NO)s\" needs the environment variable NO, which is not set" },
	{ D P "directory=%s", "a literal % is written %%" },
	{ D P "numprocs=2", "main.conf:2: process_name: %(process_num) must be present within "
			    "process_name when numprocs > 1" },
	{ D P "numprocs=65537", "65537 is above the most allowed, 65536" },
	{ D P "startsecs=99999999999999999999",
		"main.conf:4: startsecs: \"99999999999999999999\" is out of range" },
	{ D P "stopasgroup=1\nkillasgroup=0",
		"main.conf:5: killasgroup: Cannot set stopasgroup=true and killasgroup=false" },
	{ D P "process_name=a b",
		"main.conf:4: process_name: Invalid name: \"a b\" because of character: ' '" },
	{ D "[program:a]\n", "main.conf:2: program section program:a does not specify a command" },
	{ D "[program:a/b]\ncommand=x",
		"main.conf:2: [program:a/b]: Invalid name because of character: '/'" },
	{ D "[group:g]\nprograms=nope",
		"main.conf:3: programs: [group:g] names unknown program or fcgi-program nope" },
	{ D P "[fcgi-program:a]\n[group:g]\nprograms=a",
		"is ambiguous (exists as program and fcgi-program)" },
	{ D "[eventlistener:l]\ncommand=x",
		"main.conf:2: events: [eventlistener:l] section requires an \"events\" line" },
	{ D "[eventlistener:l]\ncommand=x\nevents=FOO",
		"main.conf:4: events: Unknown event type FOO in [eventlistener:l]" },
	{ D "[eventlistener:l]\ncommand=x\nevents=TICK\nbuffer_size=0",
		"main.conf:5: buffer_size: 0 is below the least" },
	{ D "[eventlistener:l]\ncommand=x\nevents=TICK\nredirect_stderr=1",
		"main.conf:5: redirect_stderr: [eventlistener:l]" },
	{ D "[eventlistener:l]\ncommand=x\nevents=TICK\nresult_handler=a:b",
		"main.conf:5: result_handler: the Python plug-in \"a:b\" cannot be run by reeved" },
	{ D "[fcgi-program:f]\ncommand=x",
		"main.conf:2: socket: [fcgi-program:f] section requires a \"socket\" line" },
	{ D "[fcgi-program:f]\ncommand=x\nsocket=foo",
		"main.conf:4: socket: \"foo\" is neither tcp://host:port nor unix:///path" },
	{ D "[fcgi-program:f]\ncommand=x\nsocket=tcp://h:1\nsocket_mode=0700",
		"socket_owner and socket_mode params should only be used with a Unix domain "
		"socket" },
	{ D "[unix_http_server]\n", "main.conf:2: section [unix_http_server] has no file value" },
	{ D "[inet_http_server]\nusername=u",
		"main.conf:2: section [inet_http_server] has no port value" },
	{ D "[inet_http_server]\nport=1\nusername=u",
		"main.conf:2: Section [inet_http_server] contains incomplete" },
	{ D "[inet_http_server]\nport=h:",
		"main.conf:3: port: \"h:\" is not an address to listen on" },
	{ D "[rpcinterface:x]\n", "main.conf:2: section [rpcinterface:x] does not specify a "
				  "supervisor.rpcinterface_factory" },
	{ D "[rpcinterface:x]\nsupervisor.rpcinterface_factory=a:b",
		"the Python plug-in \"a:b\" cannot be run by reeved" },
	{ D "[include]\n", "main.conf:2: .ini file has [include] section, but no files setting" },
	{ "[program:a]\ncommand=x", "main.conf: .ini file does not include supervisord section" },
	{ "k=v", "main.conf:1: there is no section header such as [supervisord] before this line: "
		 "\"k=v\"" },
	{ D "nodelimiter", "main.conf:2: this line is neither `key=value` nor a [section]" },
	{ "\xef\xbb\xbf" D, "main.conf:1: the file begins with a byte order mark" },
};

START_TEST(a_refusal_says_where_what_and_why)
{
	ck_assert_int_eq(read_text(refused[_i].text, &config, &report), -EINVAL);
	ck_assert_ptr_null(config);
	ck_assert_msg(strstr(entries(REPORT_ERROR), refused[_i].error), "wanted: %s\nis: %s",
		refused[_i].error, entries(REPORT_ERROR));
}
END_TEST

START_TEST(all_errors_are_told_and_not_only_the_first)
{
	ck_assert_int_eq(read_text(D "umask=9\nloglevel=loud\n[program:a]\nstartsecs=x\nstopsignal="
				     "y\n[program:b]\n"
				     "[group:g]\nprograms=n,m\n[inet_http_server]\n",
				 &config, &report),
		-EINVAL);
	ck_assert_uint_eq(report_count(&report, REPORT_ERROR), 8);
}
END_TEST

START_TEST(a_missing_file_is_told)
{
	struct config_request request = memory_request("/d/none.conf");
	static const struct memory_file none[] = { { "/d/locked.conf", NULL }, { 0 } };

	memory_files = none;
	ck_assert_int_eq(config_read(&request, &config, &report), -EINVAL);
	ck_assert_str_eq(entries(REPORT_ERROR), "could not find config file /d/none.conf\n");
	report_deinit(&report);
	request.path = "/d/locked.conf";
	ck_assert_int_eq(config_read(&request, &config, &report), -EINVAL);
	ck_assert_str_eq(entries(REPORT_ERROR),
		"could not read config file /d/locked.conf: Permission denied\n");
}
END_TEST

/* Of lint: a text, and what is said (NULL: nothing). */
static const struct {
	const char *text, *says;
} linted[] = {
	{ D P, NULL },
	{ D P "autostart=true   ; a comment\nenvironment=A=\"1\" , B=2 \t; another", NULL },
	{ D P "comand=y",
		"main.conf:4: comand: unknown key in [program:a], ignored; is command meant?" },
	{ D P "stopsignl=TERM", "is stopsignal meant?" },
	{ D P "zzzzzzzz=1", "main.conf:4: zzzzzzzz: unknown key in [program:a], ignored\n" },
	{ D "stdout_logfile=x\n" P, "main.conf:2: stdout_logfile: this key of [program:x] has no "
				    "meaning in [supervisord]" },
	{ D P "[progam:b]\ncommand=x",
		"main.conf:4: unknown section [progam:b], ignored; is [program:NAME] meant?" },
	{ D P "[program]\ncommand=x", "is [program:NAME] meant?" },
	{ D P "[nothing_like_it]\n", "main.conf:4: unknown section [nothing_like_it], ignored\n" },
	{ D P "[inet_http_serverfoo]\nport=localhost:1\n[rpcinterface:supervisor]\nsupervisor."
	      "rpcinterface_factory="
	      "supervisor.rpcinterface:make_main_rpcinterface",
		"main.conf:4: [inet_http_serverfoo] is taken for an [inet_http_server]" },
	{ D "[program:a]\ncommand=x\n  autostart=false",
		"main.conf:4: \"autostart=false\" became part of the value of command" },
	{ D "[program:a]\ncommand=x\n  [program:b]", "became part of the value of command" },
	{ D P "environment=A=1,\n  USER=\"x\"", NULL },
	{ D "[program:a]\ncommand=sh -c 'a ;b'",
		"main.conf:3: command: the value is cut inside its quotes" },
	{ D "[program:a]\ncommand=x #y", "main.conf:3: command: \"#y\" is taken for a comment" },
	{ D P "user=app\nuser=root", "main.conf:5: user is set more than once in [program:a]" },
	{ D P "[program:a]\nautostart=1", "main.conf:4: there is more than one [program:a]" },
	{ "[supervisord] x\n" P, "main.conf:1: \"x\" after the section's header is ignored" },
	{ D "[program:a]\ncommand=x 'y", "command: no start will succeed, for the command cannot "
					 "be split: No closing quotation" },
	{ D "[program:a]\ncommand=",
		"main.conf:3: command: no start will succeed, for the command is empty" },
	{ D "[program:a]\ncommand=x && y", "command: no shell reads the command: \"&&\"" },
	{ D "[program:a]\ncommand=x $HOME",
		"command: no shell reads the command: \"$HOME\" stays as it is" },
	{ D "[program:a]\ncommand=sh -c 'x && $y'", NULL },
	{ D P "stdout_logfile=\"/log/x\"", NULL }, /* refused: there is no such directory */
	{ D P "directory=\"/log\"", "main.conf:4: directory: the quotes are part of the value" },
	{ D P "directory=/nope", "main.conf:4: directory: \"/nope\" does not exist" },
	{ D P "startsecs=-1", "main.conf:4: startsecs: -1 is negative" },
	{ D P "stopsignal=0", "main.conf:4: stopsignal: 0 is no signal" },
	{ D P "numprocs=2\nprocess_name=%(process_num)d\nstdout_logfile=/log/x",
		"stdout_logfile: all 2 processes write to one file" },
	{ D P "numprocs=2\nprocess_name=%(process_num)d\nstdout_logfile=/log/%(process_num)d",
		NULL },
	{ D P "numprocs=0", "main.conf:2: group a has no process" },
	{ D P "[program:b]\ncommand=y\n[group:a]\nprograms=b",
		"main.conf:2: there is already a group a: this one is lost" },
	{ D P "[program:b]\ncommand=y\nprocess_name=a\n[group:g]\nprograms=a,b",
		"1 processes of group g have the name of another" },
	{ D "[unix_http_server]\nfile=/tmp/s\nchmod=0777\n",
		"chmod: every user of this machine may start and stop programs" },
	{ D "[unix_http_server]\nfile=/tmp/s\n", "there is no [rpcinterface:supervisor]" },
	{ D "[unix_http_server]\nfile=/tmp/s\nusername=u\npassword={SHA}12",
		"password: {SHA} is followed by the 40 digits" },
	{ D "[supervisorctl]\nserverurl=unix:///tmp/s",
		"main.conf:3: serverurl: no [unix_http_server] listens at /tmp/s" },
	{ D "[supervisorctl]\nusername=%(ENV_NO)s",
		"username: supervisorctl will refuse this value" },
	{ D "[DEFAULT]\nnonsense=1",
		"main.conf:3: nonsense: no section knows this key of [DEFAULT]" },
};

START_TEST(lint_is_found_where_it_is_and_only_there)
{
	const char *found;

	read_text(linted[_i].text, &config, &report);
	found = entries(REPORT_LINT);
	if (linted[_i].says)
		ck_assert_msg(strstr(found, linted[_i].says), "wanted: %s\nis: %s", linted[_i].says,
			found);
	else
		ck_assert_str_eq(found, "");
}
END_TEST

START_TEST(nobody_is_told_lint_unasked)
{
	report.lint = false;
	ck_assert_int_eq(read_text(D P "comand=y\nstartsecs=-1", &config, &report), 0);
	ck_assert_uint_eq(report.count, 0);
}
END_TEST

START_TEST(warnings_are_supervisords_own_words)
{
	ck_assert_int_eq(
		read_text(D P "stdout_logfile=syslog\nstderr_logfile=/log/x\nredirect_stderr=1\n"
			      "[program:b]\ncommand=x\nstderr_logfile_maxbytes=0\n",
			&config, &report),
		0);
	ck_assert_str_eq(entries(REPORT_WARNING),
		"/d/main.conf:4: For [program:a], stdout_logfile=syslog but this is deprecated and "
		"will be removed.  Use "
		"stdout_syslog=true to enable syslog instead.\n"
		"/d/main.conf:5: For [program:a], redirect_stderr=true but stderr_logfile has also "
		"been set to a filename, the "
		"filename has been ignored\n"
		"/d/main.conf:7: For [program:b], AUTO logging used for stderr_logfile without "
		"rollover, set maxbytes > 0 to avoid "
		"filling up filesystem unintentionally\n");
	ck_assert(config->groups[0].processes[0].stdout_log.syslog);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_report");
	TCase *tcase = leakproof_case("config_report");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(
		tcase, a_refusal_says_where_what_and_why, 0, sizeof refused / sizeof *refused);
	tcase_add_test(tcase, all_errors_are_told_and_not_only_the_first);
	tcase_add_test(tcase, a_missing_file_is_told);
	tcase_add_loop_test(
		tcase, lint_is_found_where_it_is_and_only_there, 0, sizeof linted / sizeof *linted);
	tcase_add_test(tcase, nobody_is_told_lint_unasked);
	tcase_add_test(tcase, warnings_are_supervisords_own_words);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
