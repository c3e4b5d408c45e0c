/* `reeved --status`: how the programs are, read off the board of a running reeved. Nobody is woken for it. */
#ifndef MAIN_STATUS_H
#define MAIN_STATUS_H

#include <stdio.h>

/* Print a table to `out`. Returns an exit status: 0; 3 when a process is stopped, exited, fatal or unknown, as
 * `supervisorctl status` has it; 4 when no reeved runs, which is told on standard error. */
int status_print(const char *configuration, FILE *out);

#endif
