/* The seam: libreeve reaches the kernel and the heap through these and nothing else, so that a test can
 * make the n-th call fail. Same arguments, results and errno as the call itself. Rows: sys.def.
 *
 * close(2) and free(3) are not here: what releases is never allowed to fail. */
#ifndef LIB_BASE_SYS_H
#define LIB_BASE_SYS_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/kernel.h"

#define SYS(type, failure, name, parameters, arguments, call) type sys_##name parameters;
#include "lib/base/sys.def"
#undef SYS

#endif
