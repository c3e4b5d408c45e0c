/* What stands within XML-RPC's simple elements. */
#ifndef TEXT_XMLRPC_SCALAR_H
#define TEXT_XMLRPC_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole number with blanks around it. Texts have a NUL after them, which is not counted. -EBADMSG: it is none, or
 * takes more than 64 bits. */
int xmlrpc_scan_int(const char *text, size_t length, int64_t *ret);

/* -EBADMSG: it is no number, or not finite. */
int xmlrpc_scan_double(const char *text, size_t length, double *ret);

/* 20261122T13:45:07 */
bool xmlrpc_is_datetime(const char *text, size_t length);

#endif
