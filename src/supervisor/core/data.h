/* Bytes for another role, as memory that nobody can change any more. */
#ifndef CORE_DATA_H
#define CORE_DATA_H

#include <stddef.h>

/* A descriptor, the caller's to close; or -ENOMEM, -EMFILE, -ENFILE. */
int data_make(const char *bytes, size_t size);

#endif
