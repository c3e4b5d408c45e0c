#include "core/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "board/log.h"
#include "config/snapshot.h"
#include "config/snapshot_memory.h"
#include "reeve/error.h"

/* The keeper is to begin anew with this reading. */
static int keep_snapshot(struct core *core, const struct config_snapshot *snapshot)
{
	struct message_keep keep = {
		.type = MESSAGE_KEEP,
		.row = ROW_SELF,
		.kind = KEPT_NEXT,
	};
	int32_t *held = &core->start->memory->next_snapshot;
	int fd, r;

	fd = config_snapshot_memory(snapshot);
	if (fd < 0)
		return fd;
	r = mail_to_keeper(core, &keep, &fd, 1);
	if (r < 0) {
		close(fd);
		return r;
	}
	/* Ours, too: this process may have to be the keeper. */
	if (*held > 0)
		close(*held - 1);
	*held = fd + 1;
	return 0;
}

static void tell_why_not(const struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		char *text;

		if (report->entries[i].level != REPORT_ERROR)
			continue;
		text = report_entry_text(&report->entries[i]);
		log_line(LOG_ERROR, "%s", text ? text : report->entries[i].text);
		free(text);
	}
	log_line(LOG_ERROR, "the configuration cannot be read: all goes on with the old one");
}

void reload_explain(const struct report *report, char *why, size_t size)
{
	char *text = NULL;

	for (size_t i = 0; i < report->count && !text; i++)
		if (report->entries[i].level == REPORT_ERROR)
			text = report_entry_text(&report->entries[i]);
	snprintf(why, size, "%s", text ? text : "out of memory");
	free(text);
}

int reload(struct core *core, char *why, size_t size)
{
	struct config_snapshot *snapshot = NULL;
	struct config *config = NULL;
	struct report report;
	int r;

	report_init(&report);
	r = config_snapshot_take(core->start->settings->request, &snapshot, &config, &report);
	if (r == -EINVAL) {
		tell_why_not(&report);
		reload_explain(&report, why, size);
	}
	if (r == 0)
		r = keep_snapshot(core, snapshot);
	if (r == 0) {
		shutdown_begin(core, MOOD_RESTARTING);
	} else if (r != -EINVAL) {
		log_line(LOG_ERROR, "cannot begin anew: %s", reeve_error_text(r));
		snprintf(why, size, "%s", reeve_error_text(r));
	}
	config_free(config);
	config_snapshot_free(snapshot);
	report_deinit(&report);
	return r;
}
