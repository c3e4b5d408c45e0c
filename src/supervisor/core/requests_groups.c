#include "core/requests.h"

int request_reread(struct request *request)
{
	return request_refuse(request, FAULT_CANT_REREAD, "not yet");
}

int request_add_group(struct request *request)
{
	return FAULT_BAD_NAME;
}

int request_remove_group(struct request *request)
{
	return FAULT_BAD_NAME;
}
