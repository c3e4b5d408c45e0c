#include <string.h>

#include "gateway/api.h"
#include "gateway/exchange.h"
#include "gateway/http.h"
#include "gateway/page.h"

static const struct route routes[] = {
#define ROUTE(path, is_prefix, methods, body_max, handler)                                         \
	{ path, is_prefix, methods, body_max, handler },
#include "gateway/routes.def"
#undef ROUTE
};

const struct route *route_find(const char *path)
{
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		const struct route *route = &routes[i];

		if (route->is_prefix ? strncmp(path, route->path, strlen(route->path)) == 0
				     : strcmp(path, route->path) == 0)
			return route;
	}
	return NULL;
}
