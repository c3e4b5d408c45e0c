/* reeve's queue: in strict order, or (-DLANES) in lanes. OPT "spin": the consumer tries again and again and never sleeps. */
#include "queue.h"
#include <reeve/queue.h>
#ifdef LANES
#define NAME "reeve lanes"
#define ORDER REEVE_QUEUE_LANES
#else
#define NAME "reeve strict"
#define ORDER REEVE_QUEUE_STRICT
#endif
static struct reeve_queue *queue[2];
static struct reeve_queue_slot put[2], got[2];
static int spin;

static void check(int r, const char *what)
{
    if (r < 0) {
        errno = -r;
        rb_die(what);
    }
}

static const char *version(void) { return reeve_version(); }

static void init(int nq, int np, int nc, size_t size, const char *dir, const char *opt)
{
    struct reeve_queue_spec spec = { .capacity = queue_depth(size), .message_max = size, .order = ORDER,
                                     .producers = (unsigned)np };
    struct reeve_arena_spec room = { .participants = (unsigned)(np + nc) + 1 };
    struct reeve_arena *arena;
    size_t bytes;
    (void)dir;
    spin = strcmp(opt, "spin") == 0;
    check(reeve_queue_bytes(&spec, &bytes), "reeve_queue_bytes");
    room.size = bytes * (size_t)nq;
    check(reeve_arena_new(&room, &arena), "reeve_arena_new");
    for (int q = 0; q < nq; q++) check(reeve_queue_new(arena, q ? "back" : "there", &spec, REEVE_SEC, &queue[q]), "reeve_queue_new");
}

static void nop(int q, int id) { (void)q; (void)id; }
static void send_(int q, const void *m, size_t n) { check(reeve_queue_put(queue[q], m, n, REEVE_FOREVER), "reeve_queue_put"); }

static void recv_(int q, void *m, size_t n)
{
    unsigned k = 0;
    int r;
    while ((r = reeve_queue_get(queue[q], m, n, spin ? 0 : REEVE_FOREVER, NULL)) == -ETIMEDOUT) queue_spin(&k);
    check(r, "reeve_queue_get");
}

static void *reserve(int q, size_t n)
{
    check(reeve_queue_reserve(queue[q], n, 0, REEVE_FOREVER, &put[q]), "reeve_queue_reserve");
    return put[q].data;
}

static void commit(int q, size_t n) { check(reeve_queue_commit(queue[q], &put[q], n), "reeve_queue_commit"); }

static const void *peek(int q, size_t n)
{
    unsigned k = 0;
    int r;
    (void)n;
    while ((r = reeve_queue_peek(queue[q], spin ? 0 : REEVE_FOREVER, &got[q])) == -ETIMEDOUT) queue_spin(&k);
    check(r, "reeve_queue_peek");
    return got[q].data;
}

static void release(int q) { check(reeve_queue_release(queue[q], &got[q]), "reeve_queue_release"); }

const struct queue_backend queue_backend = {
    .name = NAME, .version = version, .init = init, .open_producer = nop, .open_consumer = nop,
    .send = send_, .recv = recv_, .reserve = reserve, .commit = commit, .peek = peek, .release = release
};
