#include "config/request.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

void settle_request(const struct config_request *request, struct settled_request *ret)
{
	struct utsname names;

	ret->request = *request;
	if (!request->source)
		ret->request.source = &config_source_machine;
	if (!request->host_name) {
		snprintf(ret->host_name, sizeof ret->host_name, "%s",
			uname(&names) == 0 ? names.nodename : "localhost");
		ret->request.host_name = ret->host_name;
	}
	if (!request->working_directory) {
		if (!getcwd(ret->working_directory, sizeof ret->working_directory))
			snprintf(ret->working_directory, sizeof ret->working_directory, "/");
		ret->request.working_directory = ret->working_directory;
	}
	if (!request->uid) {
		ret->uid = request->assume ? 0 : getuid();
		ret->request.uid = &ret->uid;
	}
}
