/* Functions that have no place here, made impossible: this header comes before every source file of the project
 * (meson.build), and a use of a name below is a compiler's error.
 *
 *   strcpy, strcat, sprintf, ...   write past the end       -> snprintf, memcpy with a length that was checked
 *   strtok, localtime, ctime, ...  keep state for all       -> strtok_r or strcspn, localtime_r, strftime
 *   atoi, ...                      no errors, undefined     -> strtol, or a parser that says what is wrong
 *   system, popen                  a shell nobody asked for -> reeve_process_spawn
 *   mktemp, tmpnam, tempnam        a race by design         -> mkstemp, memfd_create */
#if !defined(BANNED_H) && !defined(__ASSEMBLER__)
#define BANNED_H

/* Their declarations first: a poisoned name may not even be declared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A fortified clang has these as macros. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy stpcpy strcat strncat sprintf vsprintf gets
#pragma GCC poison strtok localtime gmtime ctime asctime
#pragma GCC poison atoi atol atoll atof
#pragma GCC poison system popen
#pragma GCC poison mktemp tmpnam tempnam

#endif
