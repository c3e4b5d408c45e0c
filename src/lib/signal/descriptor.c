#include "lib/signal/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"

int descriptor_move(int fd, int number)
{
	if (fd == number || sys_dup3(fd, number, O_CLOEXEC) < 0)
		return fd;
	close_fd(fd);
	return number;
}
