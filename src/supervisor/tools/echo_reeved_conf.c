/* echo_reeved_conf: prints a configuration to begin with. Every setting is in it, from the one list there is
 * (config/settings.def), so that none can be missing: what has a default stands there as a comment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct setting {
	const char *section, *key, *fallback, *doc;
} settings[] = {
#define ANY
#define LIMITS(least, most)
#define SETTING(section, key, type, fallback, limits, member, doc) { #section, key, fallback, doc },
#include "config/settings.def"
#undef SETTING
};
#define SETTINGS (sizeof settings / sizeof settings[0])

/* What is not a comment, and examples for what has no default. */
static const struct value {
	const char *section, *key, *text;
} values[] = {
	{ "UNIX_SERVER", "file", "/run/supervisor.sock" },
	{ "UNIX_SERVER", "chown", "nobody:nogroup" },
	{ "UNIX_SERVER", "username", "user" },
	{ "UNIX_SERVER", "password", "secret" },
	{ "INET_SERVER", "port", "127.0.0.1:9001" },
	{ "INET_SERVER", "username", "user" },
	{ "INET_SERVER", "password", "secret" },
	{ "SUPERVISORD", "logfile", "/var/log/supervisord.log" },
	{ "SUPERVISORD", "pidfile", "/run/supervisord.pid" },
	{ "SUPERVISORD", "childlogdir", "/tmp" },
	{ "SUPERVISORD", "user", "root" },
	{ "SUPERVISORD", "directory", "/" },
	{ "SUPERVISORD", "environment", "KEY=\"value\",OTHER=\"other value\"" },
	{ "RPCINTERFACE", "supervisor.rpcinterface_factory",
		"supervisor.rpcinterface:make_main_rpcinterface" },
	{ "SUPERVISORCTL", "serverurl", "unix:///run/supervisor.sock" },
	{ "SUPERVISORCTL", "username", "user" },
	{ "SUPERVISORCTL", "password", "secret" },
	{ "SUPERVISORCTL", "prompt", "supervisor" },
	{ "SUPERVISORCTL", "history_file", "~/.reevectl_history" },
	{ "PROGRAM", "killasgroup", "false" },
	{ "PROGRAM", "serverurl", "AUTO" },
	{ "PROGRAM", "user", "www-data" },
	{ "PROGRAM", "umask", "022" },
	{ "PROGRAM", "environment", "PORT=\"8080\",HOME=\"/srv/web\"" },
	{ "INSTANCE", "directory", "/srv/web" },
	{ "INSTANCE", "stdout_logfile", "/var/log/web.log" },
	{ "INSTANCE", "stderr_logfile", "AUTO" },
	{ "EVENTLISTENER", "events", "PROCESS_STATE,TICK_60" },
	{ "FCGI_PROGRAM", "user", "www-data" },
	{ "FCGI_PROGRAM", "socket", "unix:///run/%(program_name)s.sock" },
	{ "FCGI_PROGRAM", "socket_owner", "www-data" },
	{ "FCGI_PROGRAM", "socket_mode", "0700" },
	{ "FCGI_PROGRAM", "socket_backlog", "128" },
	{ "GROUP", "programs", "web,app" },
	{ "INCLUDE", "files", "conf.d/*.conf" },
};
#define VALUES (sizeof values / sizeof values[0])

/* In the order of the file. `more`: the section whose settings may stand here, too. `active`: the section is no
 * comment, and so aren't these of its settings. */
static const struct section {
	const char *id, *heading, *text, *more;
	const char *active[3];
	const char *command; /* an example of it: what stands first */
} sections[] = {
	{ "UNIX_SERVER", "unix_http_server", "The socket that supervisorctl and reevectl talk to.", NULL,
		{ "file", "chmod" }, NULL },
	{ "INET_SERVER", "inet_http_server",
		"The same by TCP, and the web page. Who reaches it can start programs: give it a password.",
		NULL, { NULL }, NULL },
	{ "SUPERVISORD", "supervisord", "reeved itself.", NULL, { "logfile", "pidfile" }, NULL },
	{ "RPCINTERFACE", "rpcinterface:supervisor", "Needed as it is, for supervisorctl and the page.",
		NULL, { "supervisor.rpcinterface_factory" }, NULL },
	{ "SUPERVISORCTL", "supervisorctl", "What supervisorctl and reevectl need to know.", NULL,
		{ "serverurl" }, NULL },
	{ "PROGRAM", "program:web", "A program. One such section for each.", "INSTANCE", { NULL },
		"/usr/bin/web --port 8080" },
	{ "EVENTLISTENER", "eventlistener:watcher",
		"A program that is told of events. Settings of programs may stand here, too.", NULL,
		{ NULL }, "/usr/bin/watcher" },
	{ "FCGI_PROGRAM", "fcgi-program:app",
		"Programs that share a listening socket. Settings of programs may stand here, too.", NULL,
		{ NULL }, "/usr/bin/app" },
	{ "GROUP", "group:site", "Programs to be started, stopped and named together.", NULL, { NULL },
		NULL },
	{ "INCLUDE", "include", "More files, by patterns that begin at this file's directory.", NULL,
		{ NULL }, NULL },
};
#define SECTIONS (sizeof sections / sizeof sections[0])

static const char *value_of(const struct setting *setting)
{
	for (size_t i = 0; i < VALUES; i++)
		if (strcmp(values[i].section, setting->section) == 0 &&
			strcmp(values[i].key, setting->key) == 0)
			return values[i].text;
	return setting->fallback ? setting->fallback : "";
}

static int is_active(const struct section *section, const char *key)
{
	for (size_t i = 0; i < sizeof section->active / sizeof section->active[0]; i++)
		if (section->active[i] && strcmp(section->active[i], key) == 0)
			return 1;
	return 0;
}

static void print_line(const char *mark, const char *key, const char *value, const char *doc)
{
	int width = printf("%s%s =%s%s", mark, key, *value ? " " : "", value);

	printf("%*s ; %s\n", width < 43 ? 43 - width : 0, "", doc);
}

static void print_settings(const struct section *section, const char *id)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (strcmp(settings[i].section, id) == 0 && strcmp(settings[i].key, "command") != 0)
			print_line(is_active(section, settings[i].key) ? "" : ";", settings[i].key,
				value_of(&settings[i]), settings[i].doc);
}

static void print_section(const struct section *section)
{
	printf("\n; %s\n%s[%s]\n", section->text, section->active[0] ? "" : ";", section->heading);
	if (section->command)
		print_line(";", "command", section->command, "The command line");
	if (section->more)
		print_settings(section, section->more);
	print_settings(section, section->id);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		fprintf(stderr, "usage: echo_reeved_conf\n");
		return 2;
	}
	fputs("; A configuration of reeved to begin with. Everything about it: reeved.conf(5).\n"
	      ";\n"
	      "; A semicolon at the beginning of a line, or after a blank, begins a comment. Lines that are comments\n"
	      "; show what holds without them, or an example. %(ENV_X)s stands for the variable X, %(here)s for this\n"
	      "; file's directory. `reeved --check` tells what of a file is wrong.\n",
		stdout);
	for (size_t i = 0; i < SECTIONS; i++)
		print_section(&sections[i]);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
