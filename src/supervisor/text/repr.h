/* A text as Python's repr() shows it: `'it is'`, `"it's"`, `'two\nlines'`. */
#ifndef TEXT_REPR_H
#define TEXT_REPR_H

#include <stddef.h>

/* Write at most `size` bytes, the NUL included; what does not fit is cut. */
void repr(const char *text, char *buffer, size_t size);

#endif
