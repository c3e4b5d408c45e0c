/* reeved: which of its jobs is wanted, and with which configuration. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/check.h"
#include "config/search.h"
#include "main/options.h"
#include "main/status.h"
#include "main/supervise.h"
#include "reeve/base.h"

#define EXIT_USAGE 2

static int usage_error(const char *program, const char *text)
{
	fprintf(stderr, "Error: %s\nFor help, use %s -h\n", text, program);
	return EXIT_USAGE;
}

/* ---- where the configuration is, if nobody says ---- */

/* NULL after telling that there is none. To be freed. */
static char *find_configuration(const char *program)
{
	char *found = NULL, *list = NULL, text[2048];
	int r = config_search(program, &found, &list);

	if (r == -ENOENT) {
		snprintf(text, sizeof text,
			"No config file found at default paths (%s); use the -c option to specify a config "
			"file at a different path",
			list);
		usage_error(program, text);
	} else if (r < 0) {
		usage_error(program, strerror(-r));
	}
	free(list);
	return found;
}

/* ---- the jobs ---- */

static int check(const struct options *options, const char *configuration)
{
	struct config_check job = {
		.request = {
			.path = configuration,
			.source = options->assume ? &config_source_assume : NULL,
			.overrides = options->overrides,
			.override_count = options->override_count,
			.environment = (const char *const *)environ,
			.assume = options->assume,
		},
		.json = options->json,
	};

	return config_check(&job, stdout);
}

static int do_job(const struct options *options, const char *configuration)
{
	switch (options->job) {
	case JOB_CHECK:
		return check(options, configuration);
	case JOB_STATUS:
		return status_print(configuration, stdout);
	default:
		return supervise(options, configuration);
	}
}

/* Where a standard stream is closed, the next file that is opened would be one. */
static int open_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd;
}

int main(int argc, char **argv)
{
	struct options options;
	char error[512], *found = NULL;
	int status;

	if (open_standard_streams() < 0) {
		fprintf(stderr, "reeved: /dev/null cannot be opened: %s\n", strerror(errno));
		return EXIT_USAGE;
	}
	if (options_parse(argc, argv, &options, error, sizeof error) < 0)
		return usage_error(argv[0], error);
	if (options.job == JOB_HELP) {
		options_print_help(argv[0]);
		return 0;
	}
	if (options.job == JOB_VERSION) {
		printf("reeved %s\n", reeve_version());
		return 0;
	}
	if (!options.configuration) {
		found = find_configuration(argv[0]);
		if (!found)
			return EXIT_USAGE;
		options.configuration = found;
	}
	status = do_job(&options, options.configuration);
	free(found);
	return status;
}
