/* Lock bench:   locks_<library> KIND alone|two SECONDS
 *
 * alone   one process locks and unlocks: ns per pair
 * two     two processes, each on its own processor, lock, add one to a shared counter and unlock: pairs/s of both
 *         together, the share of the slower one, and whether the counter is right
 */
#include "locks.h"

struct page {
    _Alignas(128) uint64_t counter;             /* plain: protected by the lock */
    _Alignas(128) _Atomic uint32_t go, stop, ready;
    struct { _Alignas(128) uint64_t n; } done[2];
};
static struct page *pg;

static void loop(int who, const struct lock_kind *kind)
{
    uint64_t n = 0;
    while (!atomic_load_explicit(&pg->stop, memory_order_relaxed)) {
        kind->lock();
        pg->counter++;
        kind->unlock();
        n++;
    }
    pg->done[who].n = n;
}

static void alone(const struct lock_kind *kind, double secs)
{
    uint64_t t0, t1, n = 0;
    rb_pin(0);
    if (kind->begin) kind->begin();
    for (int i = 0; i < 10000; i++) { kind->lock(); kind->unlock(); }
    t0 = rb_now();
    do {
        for (int i = 0; i < 1000; i++) { kind->lock(); kind->unlock(); }
        n += 1000;
        t1 = rb_now();
    } while ((double)(t1 - t0) < secs * 1e9);
    printf("{\"version\": \"%s\", \"ns\": %.2f, \"pairs\": %llu}\n", lock_version(), (double)(t1 - t0) / (double)n, (unsigned long long)n);
}

static void two(const struct lock_kind *kind, double secs)
{
    pid_t p[2];
    for (int i = 0; i < 2; i++) {
        p[i] = fork();
        if (p[i] < 0) rb_die("fork");
        if (p[i] == 0) {
            rb_pin(i);
            if (kind->begin) kind->begin();
            atomic_fetch_add(&pg->ready, 1);
            while (!atomic_load(&pg->go)) rb_relax();
            loop(i, kind);
            _exit(0);
        }
    }
    while (atomic_load(&pg->ready) < 2) usleep(1000);
    uint64_t t0 = rb_now();
    atomic_store(&pg->go, 1);
    usleep((useconds_t)(secs * 1e6));
    atomic_store(&pg->stop, 1);
    int failed = 0;
    for (int i = 0; i < 2; i++) {
        int status;
        failed |= waitpid(p[i], &status, 0) != p[i] || status != 0;
    }
    if (failed) exit(1);     /* it has said why */
    uint64_t t1 = rb_now(), a = pg->done[0].n, b = pg->done[1].n, n = a + b;
    printf("{\"version\": \"%s\", \"per_s\": %.1f, \"smaller_share\": %.4f, \"exact\": %s}\n", lock_version(),
           (double)n / ((double)(t1 - t0) * 1e-9), n ? (double)(a < b ? a : b) / (double)n : 0, pg->counter == n ? "true" : "false");
}

int main(int argc, char **argv)
{
    const struct lock_kind *kind = lock_kinds;
    while (argc == 4 && kind->name && strcmp(kind->name, argv[1]) != 0) kind++;
    if (argc != 4 || kind->name == NULL) {
        fprintf(stderr, "usage: %s KIND alone|two SECONDS; kinds:", argv[0]);
        for (kind = lock_kinds; kind->name; kind++) fprintf(stderr, " %s", kind->name);
        fprintf(stderr, "\n");
        return 2;
    }
    pg = rb_shared(sizeof *pg);
    kind->init();
    if (argv[2][0] == 'a') alone(kind, atof(argv[3]));
    else two(kind, atof(argv[3]));
    if (kind->end) kind->end();
    return 0;
}
