#include "gateway/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "board/roles.h"
#include "reeve/map.h"

/* The texts live in `json`. */
struct owned_settings {
	struct gateway_settings settings;
	json_t *json;
};

static int take_server(json_t *json, size_t index, struct gateway_server *server)
{
	int is_unix;

	if (json_unpack(json, "{s:s, s:b, s:s, s:s, s:s}", "section", &server->section, "unix", &is_unix,
		    "address", &server->address, "username", &server->username, "password",
		    &server->password) < 0)
		return -EBADMSG;
	server->is_unix = is_unix;
	server->fd = GATEWAY_SERVERS + (int)index;
	if (server->username[0] == '\0')
		server->username = server->password = NULL;
	return 0;
}

static int take_servers(struct gateway_settings *settings, json_t *json)
{
	size_t count = json_array_size(json);

	settings->servers = calloc(count ? count : 1, sizeof *settings->servers);
	if (!settings->servers)
		return -ENOMEM;
	for (; settings->server_count < count; settings->server_count++) {
		size_t index = settings->server_count;
		int r = take_server(json_array_get(json, index), index, &settings->servers[index]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_namespaces(struct gateway_settings *settings, json_t *json)
{
	size_t count = json_array_size(json);

	settings->namespaces = calloc(count ? count : 1, sizeof *settings->namespaces);
	if (!settings->namespaces)
		return -ENOMEM;
	for (; settings->namespace_count < count; settings->namespace_count++) {
		const char *name = json_string_value(json_array_get(json, settings->namespace_count));

		if (!name)
			return -EBADMSG;
		settings->namespaces[settings->namespace_count] = name;
	}
	return 0;
}

static int take(struct owned_settings *owned)
{
	struct gateway_settings *settings = &owned->settings;
	json_t *servers, *namespaces;
	int r;

	if (json_unpack(owned->json, "{s:s, s:i, s:o, s:o}", "identifier", &settings->identifier,
		    "log_level", &settings->log_level, "servers", &servers, "namespaces",
		    &namespaces) < 0)
		return -EBADMSG;
	r = take_servers(settings, servers);
	return r < 0 ? r : take_namespaces(settings, namespaces);
}

int settings_parse(const char *text, size_t size, struct gateway_settings **ret)
{
	struct owned_settings *owned = calloc(1, sizeof *owned);
	int r;

	if (!owned)
		return -ENOMEM;
	owned->json = json_loadb(text, size, 0, NULL);
	r = owned->json ? take(owned) : -EBADMSG;
	if (r < 0) {
		settings_free(&owned->settings);
		return r;
	}
	*ret = &owned->settings;
	return 0;
}

int settings_read(int fd, struct gateway_settings **ret)
{
	struct reeve_map *map;
	int r = reeve_map_received(fd, REEVE_MAP_READ, 1, REEVE_MAP_SEAL_SHRINK, &map);

	if (r < 0)
		return r;
	r = settings_parse(reeve_map_data(map), reeve_map_size(map), ret);
	reeve_map_free(map);
	return r;
}

struct gateway_settings *settings_free(struct gateway_settings *settings)
{
	struct owned_settings *owned = (struct owned_settings *)settings;

	if (!settings)
		return NULL;
	json_decref(owned->json);
	free(settings->servers);
	free(settings->namespaces);
	free(owned);
	return NULL;
}
