/* A request in which nothing is left to be asked of the machine. */
#ifndef CONFIG_REQUEST_H
#define CONFIG_REQUEST_H

#include <limits.h>

#include "config/config.h"

struct settled_request {
	struct config_request request; /* may point to the members below: not to be copied */
	char host_name[256];
	char working_directory[PATH_MAX];
	uid_t uid;
};

/* What `request` left open is filled in; what it borrows is borrowed on. */
void settle_request(const struct config_request *request, struct settled_request *ret);

#endif
