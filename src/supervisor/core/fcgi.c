/* The listening socket of an [fcgi-program]: made when the first of its processes starts, descriptor 0 of them
 * all, and closed when the last one has ended. The keeper has it too, so that a core that is killed does not
 * take it along. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "board/log.h"
#include "core/state.h"

static int give_away(const struct config_socket *settings)
{
	const struct config_owner *owner = &settings->owner;

	if (settings->has_owner && chown(settings->address, (uid_t)owner->uid, (gid_t)owner->gid) < 0)
		return -errno;
	return chmod(settings->address, (mode_t)settings->mode) < 0 ? -errno : 0;
}

static int bind_unix(int fd, const struct config_socket *settings)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	if ((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s", settings->address) >=
		sizeof address.sun_path)
		return -ENAMETOOLONG;
	if (unlink(settings->address) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	r = give_away(settings);
	if (r < 0)
		unlink(settings->address);
	return r;
}

static int bind_inet(int fd, const struct config_socket *settings)
{
	struct addrinfo wanted = {
		.ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE,
	};
	struct addrinfo *found;
	char port[8];
	int on = 1, r = 0;

	snprintf(port, sizeof port, "%u", settings->port);
	if (getaddrinfo(settings->address[0] ? settings->address : NULL, port, &wanted, &found) != 0)
		return -EADDRNOTAVAIL;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
		bind(fd, found->ai_addr, found->ai_addrlen) < 0)
		r = -errno;
	freeaddrinfo(found);
	return r;
}

static int make_socket(const struct config_socket *settings)
{
	bool is_unix = settings->family == CONFIG_UNIX;
	int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = is_unix ? bind_unix(fd, settings) : bind_inet(fd, settings);
	if (r == 0 && listen(fd, settings->backlog > 0 ? settings->backlog : SOMAXCONN) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int fcgi_open(struct group *group)
{
	struct message_keep keep = {
		.type = MESSAGE_KEEP,
		.row = group->processes[0].row,
		.kind = KEPT_SOCKET,
	};
	int fd;

	if (group->socket >= 0)
		return 0;
	log_line(LOG_INFO, "Creating socket %s", group->settings->socket->url);
	fd = make_socket(group->settings->socket);
	if (fd < 0)
		return fd;
	group->socket = fd;
	return mail_to_keeper(group->core, &keep, &fd, 1);
}

static bool is_used(const struct group *group)
{
	for (size_t i = 0; i < group->process_count; i++)
		if (process_record(&group->processes[i])->pid > 0)
			return true;
	return false;
}

void fcgi_close_if_unused(struct group *group)
{
	struct message_forget forget = {
		.type = MESSAGE_FORGET,
		.row = group->processes[0].row,
		.kind = KEPT_SOCKET,
	};

	if (group->socket < 0 || is_used(group))
		return;
	log_line(LOG_INFO, "Closing socket %s", group->settings->socket->url);
	close(group->socket);
	group->socket = -EBADF;
	mail_to_keeper(group->core, &forget, NULL, 0);
}
