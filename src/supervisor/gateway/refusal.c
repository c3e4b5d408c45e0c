#include "gateway/refusal.h"

#include <stddef.h>
#include <stdio.h>

#include "gateway/words.h"

static const struct refusal {
	int fault;
	unsigned status;
	const char *words;
} refusals[] = {
	{ FAULT_UNKNOWN_METHOD, 404, "there is nothing at this address" },
	{ FAULT_INCORRECT_PARAMETERS, 400, NULL },
	{ FAULT_BAD_ARGUMENTS, 400, NULL },
	{ FAULT_SHUTDOWN_STATE, 503, "the supervisor is shutting down" },
	{ FAULT_BAD_NAME, 404, "no such process or group" },
	{ FAULT_BAD_SIGNAL, 400, "no such signal" },
	{ FAULT_NO_FILE, 422, "no such file" },
	{ FAULT_NOT_EXECUTABLE, 422, "the file is not executable" },
	{ FAULT_FAILED, 500, NULL },
	{ FAULT_ABNORMAL_TERMINATION, 422, "it ended before it was up" },
	{ FAULT_SPAWN_ERROR, 422, "it could not be started" },
	{ FAULT_ALREADY_STARTED, 409, "already started" },
	{ FAULT_NOT_RUNNING, 409, "not running" },
	{ FAULT_SUCCESS, 200, NULL },
	{ FAULT_ALREADY_ADDED, 409, "already there" },
	{ FAULT_STILL_RUNNING, 409, "still running" },
	{ FAULT_CANT_REREAD, 422, "the configuration cannot be read" },
};

static const struct refusal *find(int fault)
{
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusals[i].fault == fault)
			return &refusals[i];
	return NULL;
}

const char *refusal_words(int fault)
{
	const struct refusal *refusal = find(fault);

	return refusal ? refusal->words : NULL;
}

json_t *refusal_json(int fault, const char *text)
{
	const char *words = refusal_words(fault);
	char both[1024];

	if (words && fault != FAULT_CANT_REREAD)
		return words_json(words);
	if (!words || !text[0])
		return words_json(text[0] ? text : words ? words : "it failed");
	snprintf(both, sizeof both, "%s: %s", words, text);
	return words_json(both);
}

unsigned refusal_status(int fault)
{
	const struct refusal *refusal = find(fault);

	return refusal ? refusal->status : 500;
}
