/* reeve's locks. */
#include "locks.h"
#include <reeve/sync.h>
static struct reeve_arena *arena;
static struct reeve_lock *lock;
static struct reeve_semaphore *semaphore;
static struct reeve_owned_semaphore *owned;

static void check(int r, const char *what)
{
    if (r < 0) {
        errno = -r;
        rb_die(what);
    }
}

static void room(void)
{
    struct reeve_arena_spec spec = { .size = 1 << 16, .participants = 8 };
    check(reeve_arena_new(&spec, &arena), "reeve_arena_new");
}

static void lock_init(void) { room(); check(reeve_lock_new(arena, "lock", REEVE_SEC, &lock), "reeve_lock_new"); }
static void lock_l(void) { check(reeve_lock_acquire(lock, REEVE_FOREVER), "reeve_lock_acquire"); }
static void lock_u(void) { check(reeve_lock_release(lock), "reeve_lock_release"); }

static void semaphore_init(void)
{
    room();
    check(reeve_semaphore_new(arena, "semaphore", 1, 1, REEVE_SEC, &semaphore), "reeve_semaphore_new");
}
static void semaphore_l(void) { check(reeve_semaphore_acquire(semaphore, REEVE_FOREVER), "reeve_semaphore_acquire"); }
static void semaphore_u(void) { check(reeve_semaphore_release(semaphore, 1), "reeve_semaphore_release"); }

static void owned_init(void)
{
    room();
    check(reeve_owned_semaphore_new(arena, "owned", 1, REEVE_SEC, &owned), "reeve_owned_semaphore_new");
}
static void owned_l(void) { check(reeve_owned_semaphore_acquire(owned, REEVE_FOREVER), "reeve_owned_semaphore_acquire"); }
static void owned_u(void) { check(reeve_owned_semaphore_release(owned), "reeve_owned_semaphore_release"); }

const char *(*const lock_version)(void) = reeve_version;
const struct lock_kind lock_kinds[] = {
    { "lock", lock_init, NULL, lock_l, lock_u, NULL },
    { "semaphore", semaphore_init, NULL, semaphore_l, semaphore_u, NULL },
    { "owned", owned_init, NULL, owned_l, owned_u, NULL },
    { 0 }
};
