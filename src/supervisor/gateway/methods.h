/* The methods of the API: methods.def has them, methods_*.c what they do. */
#ifndef GATEWAY_METHODS_H
#define GATEWAY_METHODS_H

#include <stddef.h>

struct call;
struct gateway_settings;

enum method_space { SPACE_SYSTEM, SPACE_SUPERVISOR };

enum method_needs {
	NEEDS_NOTHING = 0,
	NEEDS_LIFE = 1 << 0,  /* not while the supervisor ends: SHUTDOWN_STATE */
	NEEDS_TABLE = 1 << 1, /* call->table */
};

struct method {
	enum method_space space;
	const char *name;
	unsigned least; /* arguments */
	unsigned needs;
	const char *signature; /* types of the result and of each argument, a blank between them */
	const char *help;
	void (*call)(struct call *call);
};

extern const struct method methods[];
extern const size_t method_count;

/* The most arguments that it takes. */
unsigned method_most(const struct method *method);

/* By "namespace.name". The supervisor's namespace has the name, or names, that the configuration gives it. NULL: there is no
 * such method. */
const struct method *method_find(const struct gateway_settings *settings, const char *name);

#define METHOD(space, name, least, needs, signature, help, handler) void handler(struct call *call);
#include "gateway/methods.def"
#undef METHOD

#endif
