#include "main/servers.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "board/log.h"
#include "reeve/error.h"

/* How often a file is removed that a dead one left, while others do the same. */
#define STALE_TRIES 16

#define IN_USE                                                                                     \
	"Another program is already listening on a port that one of our HTTP servers is "          \
	"configured to use.  Shut this program down first before starting supervisord."

/* Put the code in words, where there are none yet. */
static int tell(struct start_error *error, int code)
{
	if (code == 0)
		return 0;
	if (code == -EADDRINUSE)
		snprintf(error->text, sizeof error->text, "%s", IN_USE);
	else if (error->text[0] == '\0')
		snprintf(error->text, sizeof error->text,
			"Cannot open an HTTP server: socket.error reported errno.%s (%d)",
			reeve_error_name(code), -code);
	return code;
}

/* ---- a unix socket ---- */

/* False: it is too long for one. */
static bool set_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return (size_t)snprintf(address->sun_path, sizeof address->sun_path, "%s", path) <
	       sizeof address->sun_path;
}

/* Does somebody listen there? */
static bool is_alive(const char *file)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool alive;

	if (fd < 0)
		return true;
	set_address(&address, file);
	alive = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
	close(fd);
	return alive;
}

/* There is something at the file's place: remove a socket that nobody listens at. */
static int remove_stale(const char *file, struct start_error *error)
{
	struct stat status;

	if (lstat(file, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode)) {
		snprintf(error->text, sizeof error->text,
			"%.400s is in the way of the HTTP server's socket: it exists, and is no socket", file);
		return -EEXIST;
	}
	if (is_alive(file))
		return -EADDRINUSE;
	fprintf(stderr, "Unlinking stale socket %s\n", file);
	return unlink(file) < 0 && errno != ENOENT ? -errno : 0;
}

/* The socket appears at its place in one step, with its mode. */
static int put_in_place(const char *temporary, const char *file, struct start_error *error)
{
	for (int tries = 0; tries < STALE_TRIES; tries++) {
		int r;

		if (link(temporary, file) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		r = remove_stale(file, error);
		if (r < 0)
			return r;
	}
	return -EADDRINUSE;
}

static int set_owner(const struct config_server *settings, struct start_error *error)
{
	const struct config_owner *owner = &settings->chown;

	if (owner->uid < 0 && owner->gid < 0)
		return 0;
	if (chown(settings->file, (uid_t)owner->uid, (gid_t)owner->gid) == 0)
		return 0;
	if (errno == EPERM) {
		snprintf(error->text, sizeof error->text,
			"Not permitted to chown %.300s to uid/gid (%lld, %lld); adjust \"sockchown\" value in "
			"config file or on command line to values that the current user (%u) can "
			"successfully chown",
			settings->file, (long long)owner->uid, (long long)owner->gid,
			(unsigned)geteuid());
		return -EPERM;
	}
	return -errno;
}

static int note_file(struct server *server, const char *file)
{
	struct stat status;

	if (lstat(file, &status) < 0)
		return -errno;
	server->device = status.st_dev;
	server->inode = status.st_ino;
	return 0;
}

static int place_unix(struct server *server, const struct config_server *settings,
	const char *temporary, struct start_error *error)
{
	int r;

	if (settings->chmod >= 0 && chmod(temporary, (mode_t)settings->chmod) < 0)
		return -errno;
	if (listen(server->fd, SOMAXCONN) < 0)
		return -errno;
	r = put_in_place(temporary, settings->file, error);
	if (r < 0)
		return r;
	r = note_file(server, settings->file);
	return r < 0 ? r : set_owner(settings, error);
}

static int listen_unix(
	struct server *server, const struct config_server *settings, struct start_error *error)
{
	struct sockaddr_un address;
	char temporary[PATH_MAX];
	int r;

	snprintf(temporary, sizeof temporary, "%s.%d", settings->file, (int)getpid());
	if (!set_address(&address, temporary)) {
		snprintf(error->text, sizeof error->text,
			"the name of the HTTP server's socket is too long: %.400s", settings->file);
		return -ENAMETOOLONG;
	}
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->fd < 0)
		return -errno;
	unlink(temporary);
	if (bind(server->fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	r = place_unix(server, settings, temporary, error);
	unlink(temporary);
	return r;
}

/* ---- an inet socket ---- */

/* A number is asked nobody for. */
static int find_address(const struct config_server *settings, struct addrinfo **ret)
{
	struct addrinfo wanted = {
		.ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST,
	};
	const char *host = *settings->host ? settings->host : NULL;
	char port[8];

	snprintf(port, sizeof port, "%u", settings->port);
	if (getaddrinfo(host, port, &wanted, ret) == 0)
		return 0;
	wanted.ai_flags &= ~AI_NUMERICHOST;
	return getaddrinfo(host, port, &wanted, ret);
}

static int listen_inet(
	struct server *server, const struct config_server *settings, struct start_error *error)
{
	struct addrinfo *found;
	int on = 1, r = find_address(settings, &found);

	if (r != 0) {
		snprintf(error->text, sizeof error->text, "Cannot open an HTTP server: %.300s: %s",
			settings->host, gai_strerror(r));
		return -EADDRNOTAVAIL;
	}
	r = 0;
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->fd < 0 || setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
		bind(server->fd, found->ai_addr, found->ai_addrlen) < 0 ||
		listen(server->fd, SOMAXCONN) < 0)
		r = -errno;
	freeaddrinfo(found);
	return r;
}

/* ---- one and all ---- */

static void close_one(struct server *server)
{
	if (server->fd >= 0)
		close(server->fd);
	free(server->file);
	free(server->host);
	*server = (struct server){ .fd = -EBADF };
}

static bool is_still_there(const struct server *server)
{
	struct stat status;

	return lstat(server->file, &status) == 0 && status.st_dev == server->device &&
	       status.st_ino == server->inode;
}

static void remove_one(struct server *server)
{
	if (server->fd >= 0 && server->file && is_still_there(server))
		unlink(server->file);
	close_one(server);
}

/* Who shares it may have shut it down. */
static bool is_listening(int fd)
{
	struct pollfd polled = { .fd = fd };

	return poll(&polled, 1, 0) == 0 || !(polled.revents & (POLLHUP | POLLERR));
}

static bool is_same(const struct server *server, const struct config_server *settings)
{
	if (server->fd < 0 || !is_listening(server->fd))
		return false;
	if (settings->family == CONFIG_UNIX)
		return server->file && strcmp(server->file, settings->file) == 0 &&
		       is_still_there(server);
	return server->host && strcmp(server->host, settings->host) == 0 &&
	       server->port == settings->port;
}

/* The one of the last life that listens there already; its mode and owner are as the configuration has them now. */
static void take_over(struct server *server, struct servers *old, const struct config_server *settings)
{
	for (size_t i = 0; i < old->count; i++) {
		struct start_error ignored = { "" };

		if (!is_same(&old->list[i], settings))
			continue;
		if (settings->family == CONFIG_UNIX &&
			((settings->chmod >= 0 && chmod(settings->file, (mode_t)settings->chmod) < 0) ||
				set_owner(settings, &ignored) < 0))
			return; /* to be made anew, which will say what is wrong */
		*server = old->list[i];
		old->list[i] = (struct server){ .fd = -EBADF };
		return;
	}
}

static int open_one(struct server *server, struct start_error *error)
{
	const struct config_server *settings = server->settings;
	bool is_unix = settings->family == CONFIG_UNIX;

	server->port = settings->port;
	server->file = is_unix ? strdup(settings->file) : NULL;
	server->host = is_unix ? NULL : strdup(settings->host);
	if (is_unix ? !server->file : !server->host)
		return -ENOMEM;
	return is_unix ? listen_unix(server, settings, error) : listen_inet(server, settings, error);
}

/* All of them that are not there yet, or, with `error`, as many as can be had before the first that can't. */
static int open_all(struct servers *servers, struct start_error *error)
{
	size_t kept = 0;

	for (size_t i = 0; i < servers->count; i++) {
		struct server *server = &servers->list[i];
		struct start_error own = { "" };
		int r = server->fd < 0 ? tell(&own, open_one(server, &own)) : 0;

		if (r < 0 && error) {
			*error = own;
			return r;
		}
		if (r < 0) {
			log_line(LOG_CRITICAL, "%s", own.text);
			remove_one(server);
		} else {
			servers->list[kept++] = *server;
		}
	}
	servers->count = kept;
	return 0;
}

int servers_open(struct servers *servers, const struct config *config, struct start_error *error)
{
	struct servers old = *servers;
	int r = -ENOMEM;

	*servers = (struct servers){ calloc(config->server_count + 1, sizeof *servers->list), 0 };
	for (size_t i = 0; servers->list && i < config->server_count; i++) {
		struct server *server = &servers->list[servers->count++];

		server->fd = -EBADF;
		take_over(server, &old, &config->servers[i]);
		server->settings = &config->servers[i];
	}
	servers_remove(&old);
	if (servers->list)
		r = open_all(servers, error);
	if (r < 0)
		servers_remove(servers);
	return r;
}

bool server_has_password(const struct config_server *settings)
{
	return settings->username && *settings->username;
}

void servers_log(const struct servers *servers, const struct config *config)
{
	for (size_t i = 0; i < servers->count; i++) {
		for (size_t r = 0; r < config->rpcinterface_count; r++)
			log_line(LOG_INFO, "RPC interface '%s' initialized",
				config->rpcinterfaces[r].name);
		if (!server_has_password(servers->list[i].settings))
			log_line(LOG_CRITICAL,
				"Server '%s' running without any HTTP authentication checking",
				servers->list[i].settings->section);
	}
}

void servers_close(struct servers *servers)
{
	for (size_t i = 0; i < servers->count; i++)
		close_one(&servers->list[i]);
	free(servers->list);
	*servers = (struct servers){ NULL, 0 };
}

void servers_remove(struct servers *servers)
{
	for (size_t i = 0; i < servers->count; i++)
		remove_one(&servers->list[i]);
	servers_close(servers);
}
