/* Faults, for people and for HTTP. */
#ifndef GATEWAY_REFUSAL_H
#define GATEWAY_REFUSAL_H

#include <jansson.h>

#include "board/faults.h"

/* "already started" for FAULT_ALREADY_STARTED; NULL: it has no words of its own. */
const char *refusal_words(int fault);

/* The words, and what the core said besides where that says more than a name; as a JSON string. */
json_t *refusal_json(int fault, const char *text);

/* The status of an HTTP answer that has to say this. */
unsigned refusal_status(int fault);

#endif
