/* A core that is asked for anything by what should be its gateway.
 *
 * The input is a list of steps of 5 bytes: a kind of request (one more: a message of nonsense; one more: an end of a
 * process), flags, a group, a name, a value. What must hold: each request is answered once, or waits; and the groups
 * that the core has are those on the board. */
#include <stdio.h>
#include <sys/mman.h>

#include "fuzz/core_fixture.h"
#include "fuzz/fuzz.h"

#define STEP_SIZE 5
#define STEPS_MOST 200

enum { FLAG_WAIT = 1, FLAG_AGAIN = 2, FLAG_DATA = 4, FLAG_UNSEALED = 8 };

#define HEAD "[supervisord]\nlogfile=/dev/null\npidfile=/dev/null\nchildlogdir=/\n"

static const char *const configurations[] = {
	fixture_text,
	HEAD "[program:a]\ncommand=/nowhere/other\n",
	HEAD "[program:b]\ncommand=/nowhere/b\nstartsecs=0\nstartretries=0\n"
	"[program:e]\ncommand=/nowhere/e\nnumprocs=3\nprocess_name=e%(process_num)d\n",
	"[program:a\n",
	HEAD "[program:none]\ncommand=/x\nnumprocs=0\n[program:g]\ncommand=/nowhere/g\n",
};

static const char *const names[] = { "a", "b", "g", "c", "d", "e", "e0", "e2", "none", "", "\xff\xfe" };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

struct scene {
	struct core core;
	struct role_start start;
	struct board board;
	int keeper, scribe, gateway;
	uint64_t asked, answered;
	uint64_t exits;
};

static int make_data(bool is_sealed)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, "TYPE\0data", 9) != 9)
		abort();
	if (is_sealed)
		fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
	return fd;
}

static void ask(struct scene *scene, const uint8_t *step)
{
	struct message_request message = {
		.type = MESSAGE_REQUEST,
		.kind = step[0],
		.number = ++scene->asked,
		.value = (int8_t)step[4],
		.wait = (step[1] & FLAG_WAIT) != 0,
		.again = (step[1] & FLAG_AGAIN) != 0,
	};
	int fd = step[1] & FLAG_DATA ? make_data(!(step[1] & FLAG_UNSEALED)) : -1;

	snprintf(message.group, sizeof message.group, "%s", names[step[2] % COUNT(names)]);
	snprintf(message.name, sizeof message.name, "%s", names[step[3] % COUNT(names)]);
	fixture_says = configurations[step[4] % COUNT(configurations)];
	if (reeve_channel_send(scene->gateway, &message, sizeof message, &fd, fd >= 0, 0) < 0)
		abort();
	if (fd >= 0)
		close(fd);
}

static void say_nonsense(struct scene *scene, const uint8_t *step)
{
	reeve_channel_send(scene->gateway, step, 1u + step[1] % STEP_SIZE, NULL, 0, 0);
}

static void end_a_process(struct scene *scene, const uint8_t *step)
{
	struct message_exited exited = {
		.type = MESSAGE_EXITED,
		.pid = 0x40000001 + step[2] % 4,
		.status = step[3] << 8,
		.number = ++scene->exits,
	};

	reeve_channel_send(scene->keeper, &exited, sizeof exited, NULL, 0, 0);
}

static void drain(struct scene *scene)
{
	union message message;
	int fds[2];
	struct reeve_channel_info info;

	while (reeve_channel_receive(scene->keeper, &message, sizeof message, fds, 2, &info, 0) > 0)
		for (size_t i = 0; i < info.descriptor_count; i++)
			close(fds[i]);
	while (reeve_channel_receive(scene->scribe, &message, sizeof message, fds, 2, &info, 0) > 0)
		for (size_t i = 0; i < info.descriptor_count; i++)
			close(fds[i]);
	while (reeve_channel_receive(scene->gateway, &message, sizeof message, fds, 2, &info, 0) > 0) {
		scene->answered += message.type == MESSAGE_REPLY;
		if (message.type == MESSAGE_REPLY && message.reply.number > scene->asked)
			abort();
		for (size_t i = 0; i < info.descriptor_count; i++)
			close(fds[i]);
	}
}

/* Each process has its row, and there are no others. */
static void check_rows(const struct scene *scene)
{
	const struct core *core = &scene->core;
	size_t processes = 0, used = 0;

	for (uint32_t row = 0; row < atomic_load(&core->board->header->rows); row++)
		used += atomic_load(&core->board->rows[row].used);
	for (size_t g = 0; g < core->group_count; g++) {
		const struct group *group = core->groups[g];

		if (group_by_name(core, group->settings->name) != group)
			abort();
		for (size_t p = 0; p < group->process_count; p++) {
			const struct process *process = &group->processes[p];

			if (process_by_name(core, group->settings->name, process_name(process)) != process ||
				strcmp(process_record(process)->name, process_name(process)) != 0 ||
				process_record(process)->reading != group->reading)
				abort();
			processes++;
		}
	}
	if (processes != used)
		abort();
}

static void act(struct scene *scene, const uint8_t *step)
{
	if (step[0] > REQUEST_NONE && step[0] < REQUEST_KINDS)
		ask(scene, step);
	else if (step[0] == REQUEST_KINDS)
		end_a_process(scene, step);
	else
		say_nonsense(scene, step);
	reeve_loop_run_once(scene->core.loop, 0);
	drain(scene);
	check_rows(scene);
}

static void begin(struct scene *scene, struct keeper_memory *memory)
{
	int gateway[2];

	*scene = (struct scene){ .exits = 0 };
	scene->start = (struct role_start){ .board = &scene->board, .memory = memory, .settings = &settings,
		.log_read = -1, .log_write = 2 };
	scene->core = (struct core){ .start = &scene->start, .board = &scene->board };
	fixture_says = fixture_text;
	make_core(&scene->core, &scene->start, &scene->keeper, &scene->scribe);
	populate(&scene->core);
	if (reeve_channel_pair(gateway) < 0)
		abort();
	control_connect_take(&scene->core, gateway[0]);
	scene->gateway = gateway[1];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keeper_memory memory;
	struct scene scene;
	int before = count_fds();

	begin(&scene, &memory);
	for (int i = 0; i < STEPS_MOST && size >= STEP_SIZE && !scene.core.finished; i++) {
		act(&scene, data);
		data += STEP_SIZE;
		size -= STEP_SIZE;
	}
	if (scene.asked != scene.answered + scene.core.control.waiters)
		abort();
	close(scene.gateway);
	free_core(&scene.core, &scene.start, scene.keeper, scene.scribe);
	if (count_fds() != before)
		abort();
	return 0;
}
