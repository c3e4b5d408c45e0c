#include "lib/base/sys.h"

#include <errno.h>
#include <fcntl.h>

#define SYS(type, failure, name, parameters, arguments, call)                                      \
	type sys_##name parameters                                                                 \
	{                                                                                          \
		return call arguments;                                                             \
	}
#include "lib/base/sys.def"
