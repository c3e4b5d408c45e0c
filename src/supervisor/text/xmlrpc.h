/* XML-RPC as supervisor 4.2 speaks it: a document is read into a tree of values; values are written straight into
 * a buffer (text/xmlrpc_write.h).
 *
 * Accepted in a request: int, i4, boolean, string, no type at all (a string), double, dateTime.iso8601, base64, array,
 * struct. Answers may have i8 and nil too. Elements stand where the specification has them and nowhere else. A
 * document type declaration, and with it every entity, is refused; so is what goes beyond the caps below. */
#ifndef TEXT_XMLRPC_H
#define TEXT_XMLRPC_H

#include <stddef.h>
#include <stdint.h>

#define XMLRPC_DEPTH_MAX 64      /* of elements within one another */
#define XMLRPC_VALUES_MAX 100000 /* in one document */
#define XMLRPC_ANSWER_VALUES_MAX 2000000 /* in one answer: as many processes as a configuration may have */

enum xmlrpc_kind {
	XMLRPC_INT,
	XMLRPC_BOOLEAN,
	XMLRPC_STRING, /* base64, too, once it is decoded */
	XMLRPC_DOUBLE,
	XMLRPC_DATETIME, /* kept as text */
	XMLRPC_ARRAY,
	XMLRPC_STRUCT,
	XMLRPC_NIL,
};

struct xmlrpc_value {
	enum xmlrpc_kind kind;
	int64_t integer; /* of INT and BOOLEAN */
	double real;	 /* of DOUBLE */
	const char *text; /* of STRING and DATETIME: `length` bytes, which may have NULs among them, and a NUL */
	size_t length;
	const struct xmlrpc_value *first; /* of ARRAY and STRUCT, else NULL */
	size_t count;			  /* how many those are */
	const struct xmlrpc_value *next;  /* in the same array, struct or list of parameters */
	const char *name;		  /* of a struct's member, else NULL */
	size_t name_length;
};

enum xmlrpc_document_kind { XMLRPC_CALL, XMLRPC_ANSWER, XMLRPC_FAULT };

struct xmlrpc_document {
	enum xmlrpc_document_kind kind;
	const char *method;		   /* of a CALL; "" where it names none */
	const struct xmlrpc_value *values; /* parameters, or the answer's or the fault's one value */
	size_t count;
};

/* Reads one document after the other. What it read lives in it until it reads the next. */
struct xmlrpc_reader;

/* NULL: out of memory. */
struct xmlrpc_reader *xmlrpc_reader_new(void);

/* Takes NULL, returns NULL. */
struct xmlrpc_reader *xmlrpc_reader_free(struct xmlrpc_reader *reader);

/* Read a whole document.
 *
 *   ret   on success what was read, valid until the next call; untouched on failure
 *
 * Returns 0, -EBADMSG (no XML, or no XML-RPC), -E2BIG (beyond a cap), -ENOMEM. */
int xmlrpc_read(
	struct xmlrpc_reader *reader, const char *bytes, size_t length, struct xmlrpc_document *ret);

/* A struct's member, the last one of that name; NULL: there is none, or this is no struct. */
const struct xmlrpc_value *xmlrpc_member(const struct xmlrpc_value *value, const char *name);

#endif
