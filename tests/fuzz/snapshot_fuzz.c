/* Bytes of a snapshot are no friend's: they are refused, or read without harm, and what is saved of them is a
 * snapshot again. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/snapshot.h"
#include "fuzz/fuzz.h"

static void check_saved(const struct config_snapshot *snapshot)
{
	struct config_snapshot *again = NULL;
	int fd = memfd_create("snapshot", MFD_CLOEXEC);

	if (fd < 0 || config_snapshot_save(snapshot, fd) < 0 ||
		config_snapshot_load(fd, &again) < 0)
		abort();
	config_snapshot_free(again);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_snapshot *snapshot = NULL;
	struct config *config = NULL;
	struct report report;
	int r = config_snapshot_parse(data, size, &snapshot);

	if (r < 0) {
		if (r != -EBADMSG || snapshot)
			abort();
		return 0;
	}
	check_saved(snapshot);
	report_init(&report);
	report.lint = true;
	r = config_snapshot_read(snapshot, &config, &report);
	if ((r == 0) != (config != NULL) || (r == -EINVAL && !report_count(&report, REPORT_ERROR)))
		abort();
	config_free(config);
	config_snapshot_free(snapshot);
	report_deinit(&report);
	return 0;
}
