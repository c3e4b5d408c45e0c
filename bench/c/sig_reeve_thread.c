/* reeve, signals let in by a thread of the library. */
#include "sig.h"
#include "reeve/signal.h"
#include <signal.h>
static void (*cb_)(int, int);
static void on(const struct reeve_signal_event *event, void *data) { (void)data; cb_(event->code == SI_QUEUE, event->value); }
static const char *version(void) { return reeve_version(); }
static int setup(int signo, int mode, void (*cb)(int, int))
{
    struct reeve_signal_subscription *subscription;
    (void)mode;
    cb_ = cb;
    if (reeve_signal_set_mode(REEVE_SIGNAL_THREAD) < 0) return -1;
    return reeve_signal_subscribe(signo, on, NULL, &subscription);
}
static void wait_(int ms) { reeve_signal_wait(ms < 0 ? REEVE_FOREVER : ms * REEVE_MSEC); }
const struct sig_backend sig_backend = { "reeve, thread", version, setup, wait_ };
