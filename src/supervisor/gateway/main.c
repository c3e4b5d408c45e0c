/* reeve-gateway: started by reeved, and by nobody else. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "board/log.h"
#include "board/roles.h"
#include "gateway/http.h"
#include "gateway/live.h"
#include "gateway/mail.h"
#include "gateway/sandbox.h"
#include "gateway/settings.h"
#include "reeve/channel.h"
#include "reeve/error.h"

#define EXIT_USAGE 2

static int adopt(const struct gateway_settings *settings)
{
	static const int channels[] = { GATEWAY_KEEPER, GATEWAY_CORE, GATEWAY_SCRIBE };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof channels / sizeof channels[0]; i++)
		r = reeve_channel_adopt(channels[i]);
	for (size_t i = 0; r == 0 && i < settings->server_count; i++)
		r = fcntl(settings->servers[i].fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
	return r;
}

/* What is to be open when the sandbox closes. */
static int begin(struct gateway *gateway, const struct gateway_settings *settings)
{
	const struct mail_channels channels = {
		.keeper = GATEWAY_KEEPER,
		.core = GATEWAY_CORE,
		.scribe = GATEWAY_SCRIBE,
	};
	int r = gateway_init(gateway, settings, GATEWAY_BOARD, &channels);

	close(GATEWAY_BOARD);
	tzset(); /* reads a file */
	if (r == 0)
		r = http_start(gateway);
	if (r == 0)
		r = live_start(gateway);
	return r < 0 ? r : sandbox_enter();
}

int main(void)
{
	struct gateway_settings *settings;
	struct gateway gateway = { NULL };
	int r = settings_read(GATEWAY_SETTINGS, &settings);

	if (r < 0) {
		fprintf(stderr, "reeve-gateway is started by reeved, which tells it what to do\n");
		return EXIT_USAGE;
	}
	close(GATEWAY_SETTINGS);
	prctl(PR_SET_NAME, "reeve-gateway", 0, 0, 0);
	log_to(GATEWAY_LOG, settings->log_level);
	r = adopt(settings);
	if (r == 0)
		r = begin(&gateway, settings);
	if (r == 0)
		r = gateway_run(&gateway);
	if (r < 0)
		log_line(LOG_CRITICAL, "gateway: %s", reeve_error_text(r));
	http_stop(&gateway);
	live_end(&gateway);
	gateway_deinit(&gateway);
	settings_free(settings);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
