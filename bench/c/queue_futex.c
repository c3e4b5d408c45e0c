/* Ping-pong and no more: a message and the number of the last one, in two cache lines, waited for with a futex. It is no
 * queue, since the sender does not look whether there is room. OPT "spin": the receiver spins and never sleeps. */
#include "queue.h"
#include <linux/futex.h>
#include <sys/syscall.h>
struct box {
    _Alignas(64) _Atomic uint32_t number;
    _Atomic uint32_t asleep;
    _Alignas(64) unsigned char data[];
};
static struct box *box[2];
static uint32_t sent[2], received[2];
static int spin;
static const char *version(void) { return "this bench"; }
static void init(int nq, int np, int nc, size_t size, const char *dir, const char *opt)
{
    (void)np; (void)nc; (void)dir;
    spin = strcmp(opt, "spin") == 0;
    for (int q = 0; q < nq; q++) box[q] = rb_shared(sizeof(struct box) + size);
}
static void nop(int q, int id) { (void)q; (void)id; }
static void futex(_Atomic uint32_t *word, int op, uint32_t value) { syscall(SYS_futex, word, op, value, NULL, NULL, 0); }
static void send_(int q, const void *m, size_t n)
{
    memcpy(box[q]->data, m, n);
    if (spin) {
        atomic_store_explicit(&box[q]->number, ++sent[q], memory_order_release);
        return;
    }
    atomic_store(&box[q]->number, ++sent[q]);
    if (atomic_load(&box[q]->asleep)) futex(&box[q]->number, FUTEX_WAKE, 1);
}
static void recv_(int q, void *m, size_t n)
{
    unsigned k = 0;
    if (spin) {
        while (atomic_load_explicit(&box[q]->number, memory_order_acquire) == received[q]) queue_spin(&k);
    } else if (atomic_load(&box[q]->number) == received[q]) {
        atomic_store(&box[q]->asleep, 1);
        while (atomic_load(&box[q]->number) == received[q]) futex(&box[q]->number, FUTEX_WAIT, received[q]);
        atomic_store(&box[q]->asleep, 0);
    }
    received[q]++;
    memcpy(m, box[q]->data, n);
}
const struct queue_backend queue_backend = {
    .name = "futex", .version = version, .pingpong_only = 1, .init = init, .open_producer = nop, .open_consumer = nop,
    .send = send_, .recv = recv_
};
