/* A heartbeat beside what it is at bottom, a store to a cache line that another process may read.
 *   beat_reeve beat|store SECONDS      ns each */
#include "rb.h"
#include <reeve/arena.h>
#include <reeve/heartbeat.h>

static struct reeve_arena *arena;
static volatile uint64_t *line;

/* Each is called through a pointer, so that neither is made part of the loop. */
static void beat(void) { reeve_heartbeat_beat(arena); }
static void store(void) { *line = 1; }

int main(int argc, char **argv)
{
    struct reeve_arena_spec spec = { .size = 4096, .participants = 4 };
    void (*volatile call)(void) = argc > 1 && strcmp(argv[1], "store") == 0 ? store : beat;
    if (argc != 3) { fprintf(stderr, "usage: beat_reeve beat|store SECONDS\n"); return 2; }
    double secs = atof(argv[2]);
    int r = reeve_arena_new(&spec, &arena);
    if (r == 0) r = reeve_arena_attach(arena, NULL);
    if (r < 0) {
        errno = -r;
        rb_die("arena");
    }
    line = rb_shared(64);
    rb_pin(0);
    uint64_t start = rb_now(), now, n = 0;
    do {
        for (int i = 0; i < 10000; i++) call();
        n += 10000;
        now = rb_now();
    } while ((double)(now - start) < secs * 1e9);
    printf("{\"version\": \"%s\", \"ns\": %.3f}\n", reeve_version(), (double)(now - start) / (double)n);
    reeve_arena_free(arena);
    return 0;
}
