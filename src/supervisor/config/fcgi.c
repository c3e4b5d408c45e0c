/* The socket of an [fcgi-program:x]. */
#include <errno.h>
#include <string.h>

#include "config/drafts.h"
#include "config/reader.h"
#include "text/units.h"

int read_fcgi_settings(struct reader *reader, const struct ini_section *section, const char *name,
	struct expansion_names *names, struct fcgi_draft *draft)
{
	int result = 0;

	if (expansion_set_text(names, "program_name", name) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *setting = &setting_rows[i];
		bool knows_name = strcmp(setting->key, "socket") == 0;
		int r;

		if (setting->section != SECTION_FCGI_PROGRAM)
			continue;
		r = read_setting(
			reader, setting, section, knows_name ? names : &reader->here, draft);
		if (r == -ENOMEM)
			return r;
		result = r < 0 ? r : result;
	}
	return result;
}

static int keep_socket(struct reader *reader, const struct fcgi_draft *draft,
	struct config_socket *socket, const char *url, const struct config_socket **ret)
{
	struct config_socket *kept = arena_alloc(reader->arena, sizeof *kept);

	socket->url = arena_intern_text(reader->arena, url);
	socket->backlog = (uint16_t)draft->backlog;
	if (!kept || !socket->url)
		return -ENOMEM;
	*kept = *socket;
	*ret = kept;
	return 0;
}

/* Without socket_owner it belongs to the user of the program. */
static void set_owner(
	const struct reader *reader, const struct fcgi_draft *draft, struct config_socket *socket)
{
	const struct config_user *user = draft->user;

	if (draft->owner.uid != -1 || draft->owner.user) {
		socket->owner = draft->owner;
		socket->has_owner = true;
	} else if (user && (user->uid_assumed || user->uid != reader->uid)) {
		socket->owner = (struct config_owner){
			.uid = user->uid,
			.gid = user->gid,
			.user = user->uid_assumed ? user->name : NULL,
			.group = user->gid_assumed ? "primary" : NULL,
		};
		socket->has_owner = true;
	}
}

static int read_unix_socket(struct reader *reader, struct place place,
	const struct fcgi_draft *draft, const char *path, const struct config_socket **ret)
{
	struct config_socket socket = { .family = CONFIG_UNIX,
		.mode = draft->mode < 0 ? 0700 : draft->mode };
	CLEANUP_BUFFER struct buffer url = BUFFER(SIZE_MAX / 2);

	if (*path != '/')
		return reader_refuse(reader, place, "Unix socket path %s is not an absolute path",
			quoted_text(reader, path));
	socket.address = normal_path(reader, path);
	if (!socket.address)
		return -ENOMEM;
	buffer_print(&url, "unix://%s", socket.address);
	set_owner(reader, draft, &socket);
	return url.error ? -ENOMEM : keep_socket(reader, draft, &socket, buffer_text(&url), ret);
}

/* The colon of `host:port`, where neither has a blank, the host no colon, and the port only digits.
 */
static const char *address_colon(const char *address)
{
	const char *colon = strchr(address, ':');
	struct span host = { address, colon ? colon : address };

	if (host.start == host.end || !colon[1] ||
		strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return NULL;
	for (const char *p = host.start; p < host.end; p++)
		if (space_at(p, host.end))
			return NULL;
	return colon;
}

static int read_inet_socket(struct reader *reader, struct place place,
	const struct fcgi_draft *draft, const char *address, const struct config_socket **ret)
{
	struct config_socket socket = { .family = CONFIG_INET };
	CLEANUP_BUFFER struct buffer url = BUFFER(SIZE_MAX / 2);
	const char *colon = address_colon(address);
	char *host;

	if (draft->owner.uid != -1 || draft->owner.user || draft->mode != -1)
		return reader_refuse(reader, place,
			"socket_owner and socket_mode params should only be used with a Unix "
			"domain socket");
	if (!colon)
		return reader_refuse(reader, place, "\"tcp://%s\" is no tcp://host:port", address);
	if (parse_port(colon + 1, &socket.port) < 0)
		return reader_refuse(reader, place, "%s is no port (1 to 65535)", colon + 1);
	socket.address = host = arena_copy(reader->arena, address, (size_t)(colon - address));
	if (!host)
		return -ENOMEM;
	for (char *p = host; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	buffer_print(&url, "tcp://%s:%u", host, socket.port);
	return url.error ? -ENOMEM : keep_socket(reader, draft, &socket, buffer_text(&url), ret);
}

int read_socket(struct reader *reader, struct place place, const struct fcgi_draft *draft,
	const struct config_socket **ret)
{
	const char *text = draft->socket;

	if (strncmp(text, "unix://", 7) == 0)
		return read_unix_socket(reader, place, draft, text + 7, ret);
	if (strncmp(text, "tcp://", 6) == 0)
		return read_inet_socket(reader, place, draft, text + 6, ret);
	return reader_refuse(reader, place, "%s is neither tcp://host:port nor unix:///path",
		quoted_text(reader, text));
}
