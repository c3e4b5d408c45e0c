#include "core/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>
#include <unistd.h>

#include "board/log.h"
#include "core/requests.h"
#include "core/state.h"
#include "core/waiters.h"
#include "reeve/error.h"

/* Programs may crash-loop: whoever watches is not told more often than this; and ever less often while it has not
 * even read the last word. */
#define CHANGED_INTERVAL (50 * REEVE_MSEC)
#define CHANGED_LONGEST REEVE_SEC

void control_answer(struct core *core, uint64_t number, int fault, const char *text, int fd)
{
	union message message = { .reply = {
		.type = MESSAGE_REPLY,
		.fault = fault,
		.number = number,
	} };
	int r;

	snprintf(message.reply.text, sizeof message.reply.text, "%s", text);
	r = outbox_send(&core->control.gateway, &message, fd);
	if (r < 0)
		log_line(LOG_ERROR, "core: an answer to a client is lost: %s", reeve_error_text(r));
}

/* ---- changes ---- */

static bool has_read_all(const struct outbox *gateway)
{
	int unread = 0;

	return !gateway->first && ioctl(gateway->channel, SIOCOUTQ, &unread) == 0 && unread == 0;
}

static void tell_of_change(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	static const union message message = { .plain = { .type = MESSAGE_CHANGED } };
	struct core *core = data;
	struct control *control = &core->control;

	if (!control->watched || !control->changed)
		return;
	if (has_read_all(&control->gateway)) {
		control->changed = false;
		control->told = reeve_loop_now(core->loop);
		control->wait = CHANGED_INTERVAL;
		outbox_send(&control->gateway, &message, -EBADF);
	} else {
		control->wait = control->wait * 2 < CHANGED_LONGEST ? control->wait * 2 : CHANGED_LONGEST;
		reeve_loop_timer_start(source, control->wait, 0);
	}
}

void control_changed(struct core *core)
{
	struct control *control = &core->control;

	if (!control->watched || control->changed)
		return;
	control->changed = true;
	reeve_loop_timer_start_at(control->teller, control->told + control->wait, 0);
}

static void watch(struct core *core, bool on)
{
	struct control *control = &core->control;

	control->watched = on;
	control->changed = on; /* there may have been some that it was not told of */
	control->wait = CHANGED_INTERVAL;
	if (on)
		reeve_loop_timer_start(control->teller, 0, 0);
	else
		reeve_loop_timer_stop(control->teller);
}

/* ---- the channel ---- */

static bool gateway_said(void *data, const union message *message, int fd_consume)
{
	struct core *core = data;
	bool makes_sense = true;

	if (!message) {
		waiters_drop_all(core);
		watch(core, false);
	} else if (message->type == MESSAGE_REQUEST) {
		request_take(core, &message->request, fd_consume);
	} else if (message->type == MESSAGE_WATCH) {
		watch(core, message->watch.on);
	} else {
		makes_sense = false;
	}
	if (fd_consume >= 0)
		close(fd_consume);
	return makes_sense;
}

void control_connect_take(struct core *core, int channel)
{
	int r;

	waiters_drop_all(core);
	watch(core, false);
	r = outbox_connect_take(&core->control.gateway, channel);
	if (r < 0)
		log_line(LOG_ERROR, "cannot talk to the new gateway: %s", reeve_error_text(r));
}

int control_init(struct core *core)
{
	struct control *control = &core->control;
	int r;

	outbox_init(&control->gateway, core->loop, "gateway", gateway_said, core);
	control->wait = CHANGED_INTERVAL;
	r = reeve_loop_add_timer(core->loop, tell_of_change, core, &control->teller);
	if (r == 0)
		r = reeve_loop_add_timer(core->loop, waiters_report, core, &control->stop_report);
	return r;
}

void control_deinit(struct core *core)
{
	outbox_deinit(&core->control.gateway);
	core->control.teller = reeve_loop_source_free(core->control.teller);
	core->control.stop_report = reeve_loop_source_free(core->control.stop_report);
}
