/* The effective configuration as JSON. */
#ifndef CONFIG_JSON_H
#define CONFIG_JSON_H

#include <jansson.h>

#include "config/config.h"

/* A text as JSON: what is no UTF-8 is replaced; null for NULL. NULL: out of memory. */
json_t *config_text_json(const char *text);

/* One object with `supervisord`, `servers`, `rpcinterfaces`, `groups`, `warnings` and `included`;
 * keys and values as the rows of settings.def name them. NULL: out of memory. */
json_t *config_to_json(const struct config *config, const struct report *report);

/* { "error": "..." } with all errors of a report, one a line. */
json_t *report_to_json(const struct report *report);

#endif
