/* Why a client's request was not done. Numbers are those of the API. */
#ifndef SUPERVISOR_BOARD_FAULTS_H
#define SUPERVISOR_BOARD_FAULTS_H

enum fault {
#define FAULT(name, number) FAULT_##name = number,
#include "board/faults.def"
#undef FAULT
};

/* "BAD_NAME" for FAULT_BAD_NAME; NULL for a number that is no fault. */
const char *fault_name(int fault);

#endif
