#include "board/faults.h"

#include <stddef.h>

const char *fault_name(int fault)
{
	switch (fault) {
#define FAULT(name, number)                                                                        \
	case number:                                                                               \
		return #name;
#include "board/faults.def"
#undef FAULT
	}
	return NULL;
}
