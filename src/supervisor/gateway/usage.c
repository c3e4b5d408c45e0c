#include "gateway/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/board.h"

struct sample {
	float cpu;	 /* percent; negative: not known */
	uint32_t memory; /* KiB */
};

struct row {
	struct sample samples[USAGE_SAMPLES]; /* a ring: the next one goes to `at` */
	uint32_t count, at;
	pid_t pid;
	uint64_t starts;
	double cpu_seconds;
	reeve_nsec when;
};

struct usage_history {
	struct row **rows;
	uint32_t count;
};

int usage_parse(const char *text, struct usage *ret)
{
	const char *at = strrchr(text, ')');
	uint64_t user, kernel, virtual_memory;
	int64_t pages;

	/* The program's name, the second field, may hold anything: what counts begins behind the last parenthesis. */
	if (!at || sscanf(at,
			") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
			" %*d %*d %*d %*d %*d %*d %*u %" SCNu64 " %" SCNd64,
			&user, &kernel, &virtual_memory, &pages) != 4)
		return -EBADMSG;
	ret->cpu_seconds = (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
	ret->virtual_memory = (int64_t)virtual_memory;
	ret->memory = pages * sysconf(_SC_PAGESIZE);
	return 0;
}

int usage_read(pid_t pid, struct usage *ret)
{
	char path[32], text[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof text - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	return usage_parse(text, ret);
}

/* ---- samples ---- */

struct usage_history *usage_history_new(void)
{
	return calloc(1, sizeof(struct usage_history));
}

void usage_history_clear(struct usage_history *history)
{
	for (uint32_t i = 0; i < history->count; i++)
		free(history->rows[i]);
	free(history->rows);
	*history = (struct usage_history){ 0 };
}

struct usage_history *usage_history_free(struct usage_history *history)
{
	if (history)
		usage_history_clear(history);
	free(history);
	return NULL;
}

static struct row *row_at(struct usage_history *history, uint32_t row)
{
	uint32_t count = history->count ? history->count : 64;
	struct row **rows;

	if (row >= BOARD_ROWS_MAX)
		return NULL;
	while (count <= row)
		count *= 2;
	if (count != history->count) {
		rows = reallocarray(history->rows, count, sizeof *rows);
		if (!rows)
			return NULL;
		memset(rows + history->count, 0, (count - history->count) * sizeof *rows);
		history->rows = rows;
		history->count = count;
	}
	if (!history->rows[row])
		history->rows[row] = calloc(1, sizeof(struct row));
	return history->rows[row];
}

static json_t *cpu_json(const struct sample *sample)
{
	/* One digit behind the point, and no more on the wire. */
	return sample->cpu < 0 ? json_null() : json_real((double)(int64_t)((double)sample->cpu * 10 + 0.5) / 10);
}

static json_t *memory_json(const struct sample *sample)
{
	return sample->memory == 0 ? json_null() : json_integer((json_int_t)sample->memory * 1024);
}

json_t *usage_sample(struct usage_history *history, uint32_t number, pid_t pid, uint64_t starts, reeve_nsec now)
{
	struct row *row = row_at(history, number);
	struct sample sample = { .cpu = -1 };
	struct usage usage;

	if (!row)
		return NULL;
	if (pid > 0 && usage_read(pid, &usage) == 0) {
		if (row->pid == pid && row->starts == starts && now > row->when) {
			sample.cpu = (float)((usage.cpu_seconds - row->cpu_seconds) * 100 * (double)REEVE_SEC /
				(double)(now - row->when));
			if (sample.cpu < 0)
				sample.cpu = 0;
		}
		sample.memory = usage.memory / 1024 > UINT32_MAX ? UINT32_MAX : (uint32_t)(usage.memory / 1024);
		row->cpu_seconds = usage.cpu_seconds;
		row->pid = pid;
	} else {
		row->pid = 0;
	}
	row->starts = starts;
	row->when = now;
	row->samples[row->at] = sample;
	row->at = (row->at + 1) % USAGE_SAMPLES;
	if (row->count < USAGE_SAMPLES)
		row->count++;
	return json_pack("[oo]", cpu_json(&sample), memory_json(&sample));
}

json_t *usage_history_json(const struct usage_history *history, uint32_t number)
{
	const struct row *row = number < history->count ? history->rows[number] : NULL;
	json_t *cpu = json_array(), *memory = json_array();

	for (uint32_t i = 0; row && i < row->count; i++) {
		const struct sample *sample =
			&row->samples[(row->at + USAGE_SAMPLES - row->count + i) % USAGE_SAMPLES];

		json_array_append_new(cpu, cpu_json(sample));
		json_array_append_new(memory, memory_json(sample));
	}
	return json_pack("{so so}", "cpu", cpu, "memory", memory);
}
