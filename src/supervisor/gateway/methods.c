#include "gateway/methods.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/gateway.h"

const struct method methods[] = {
#define METHOD(space_, name_, least_, needs_, signature_, help_, handler_)                         \
	{ .space = SPACE_##space_,                                                                 \
		.name = #name_,                                                                    \
		.least = least_,                                                                   \
		.needs = needs_,                                                                   \
		.signature = signature_,                                                           \
		.help = help_,                                                                     \
		.call = handler_ },
#include "gateway/methods.def"
#undef METHOD
};

const size_t method_count = sizeof methods / sizeof *methods;

unsigned method_most(const struct method *method)
{
	unsigned count = 0;

	for (const char *p = method->signature; *p; p++)
		count += *p == ' ';
	return count;
}

static bool find_space(const struct gateway_settings *settings, const char *name, size_t length,
	enum method_space *ret)
{
	if (length == 6 && memcmp(name, "system", 6) == 0) {
		*ret = SPACE_SYSTEM;
		return true;
	}
	for (size_t i = 0; i < settings->namespace_count; i++) {
		const char *each = settings->namespaces[i];

		if (strlen(each) == length && memcmp(each, name, length) == 0) {
			*ret = SPACE_SUPERVISOR;
			return true;
		}
	}
	return false;
}

const struct method *method_find(const struct gateway_settings *settings, const char *name)
{
	const char *dot = strchr(name, '.');
	enum method_space space;

	if (!dot || !find_space(settings, name, (size_t)(dot - name), &space))
		return NULL;
	for (size_t i = 0; i < method_count; i++)
		if (methods[i].space == space && strcmp(methods[i].name, dot + 1) == 0)
			return &methods[i];
	return NULL;
}
