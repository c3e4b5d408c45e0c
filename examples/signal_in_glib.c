/* reeve's signals in a GLib main loop: one descriptor to watch, any signal, and the handlers get
 * who sent it, and its value. */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "reeve/signal.h"

static GMainLoop *loop;
static int sum;

static void on_signal(const struct reeve_signal_event *event, void *data)
{
	printf("%s from pid %d, value %d\n", reeve_signal_name(event->signo), (int)event->pid,
		event->value);
	sum += event->value;
	if (sum == 6)
		g_main_loop_quit(loop);
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data)
{
	return reeve_signal_dispatch() >= 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean on_glib_signal(gpointer data)
{
	printf("GLib's own handler still works\n");
	return G_SOURCE_REMOVE;
}

static gboolean send_three(gpointer data)
{
	for (int value = 1; value <= 3; value++)
		reeve_signal_queue(getpid(), SIGRTMIN, value);
	return G_SOURCE_REMOVE;
}

int main(void)
{
	struct reeve_signal_subscription *subscription;

	if (reeve_signal_subscribe(SIGRTMIN, on_signal, NULL, &subscription) < 0)
		return 1;
	loop = g_main_loop_new(NULL, FALSE);
	g_unix_fd_add(reeve_signal_fd(), G_IO_IN, on_readable, NULL);
	g_unix_signal_add(SIGUSR1, on_glib_signal, NULL);
	g_timeout_add(10, send_three, NULL);
	reeve_signal_raise(SIGUSR1);

	g_main_loop_run(loop);
	g_main_loop_unref(loop);
	reeve_signal_unsubscribe(subscription);
	return sum == 6 ? 0 : 1;
}
