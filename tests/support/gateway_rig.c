#include "support/gateway_rig.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/mail.h"
#include "reeve/channel.h"
#include "support/harness.h"

void rig_start(struct gateway_rig *rig)
{
	struct mail_channels channels;
	int keeper[2], core[2], scribe[2];

	*rig = (struct gateway_rig){ .settings = { .identifier = "rig" } };
	ck_assert_int_eq(board_create("rig", &rig->board), 0);
	ck_assert_int_eq(reeve_channel_pair(keeper), 0);
	ck_assert_int_eq(reeve_channel_pair(core), 0);
	ck_assert_int_eq(reeve_channel_pair(scribe), 0);
	channels = (struct mail_channels){ keeper[1], core[1], scribe[1] };
	rig->keeper = keeper[0];
	rig->core = core[0];
	rig->scribe = scribe[0];
	ck_assert_int_eq(gateway_init(&rig->gateway, &rig->settings, reeve_map_fd(rig->board.map), &channels),
		0);
}

static void close_end(int *end)
{
	if (*end >= 0)
		close(*end);
	*end = -1;
}

void rig_end(struct gateway_rig *rig)
{
	gateway_deinit(&rig->gateway);
	board_close(&rig->board);
	close_end(&rig->keeper);
	close_end(&rig->core);
	close_end(&rig->scribe);
}

void rig_run(struct gateway_rig *rig)
{
	while (reeve_loop_run_once(rig->gateway.loop, 0) > 0)
		;
}

void rig_send(struct gateway_rig *rig, int channel, const void *message, int fd)
{
	ck_assert_int_eq(
		reeve_channel_send(channel, message, message_size(message), &fd, fd >= 0 ? 1 : 0, 0), 0);
	rig_run(rig);
}

uint32_t rig_receive(int channel, union message *ret, int *ret_fd)
{
	struct reeve_channel_info info;
	int fd = -1;
	ssize_t size = reeve_channel_receive(channel, ret, sizeof *ret, &fd, 1, &info, 0);

	if (ret_fd)
		*ret_fd = size > 0 && info.descriptor_count > 0 ? fd : -1;
	else
		ck_assert_msg(size <= 0 || info.descriptor_count == 0, "a descriptor came along");
	if (size <= 0)
		return MESSAGE_NONE;
	ck_assert_int_eq(message_check(ret, (size_t)size, (unsigned)info.descriptor_count), (int)ret->type);
	return ret->type;
}

void rig_replace(struct gateway_rig *rig, enum role role)
{
	struct message_peer changed = { .type = MESSAGE_PEER_CHANGED, .role = role };
	int *end = role == ROLE_CORE ? &rig->core : &rig->scribe;
	int ends[2];

	close_end(end);
	ck_assert_int_eq(reeve_channel_pair(ends), 0);
	*end = ends[0];
	rig_send(rig, rig->keeper, &changed, ends[1]);
	close(ends[1]);
}

int rig_memory(const char *text)
{
	int fd = memfd_create("rig", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	return fd;
}
