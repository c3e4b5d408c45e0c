/* What libc and the kernel have for locking between processes, and a spinning floor. */
#include "locks.h"
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/sem.h>

struct page {
    _Alignas(128) pthread_mutex_t mu;
    _Alignas(128) sem_t sem;
    _Alignas(128) _Atomic uint32_t spin;
};
static struct page *pg;
static int semid = -1, fd = -1;
static char path[256];

static void mu_l(void) { if (pthread_mutex_lock(&pg->mu) != 0) rb_die("lock"); }
static void mu_u(void) { pthread_mutex_unlock(&pg->mu); }
static void sem_l(void) { while (sem_wait(&pg->sem) != 0) { } }
static void sem_u(void) { sem_post(&pg->sem); }
static short undo;
static void sysv_l(void) { struct sembuf s = { 0, -1, undo }; while (semop(semid, &s, 1) != 0) if (errno != EINTR) rb_die("semop"); }
static void sysv_u(void) { struct sembuf s = { 0, 1, undo }; semop(semid, &s, 1); }
static void fl_l(void) { if (flock(fd, LOCK_EX) != 0) rb_die("flock"); }
static void fl_u(void) { flock(fd, LOCK_UN); }
static void ofd(short t)
{
    struct flock f;
    memset(&f, 0, sizeof f);
    f.l_type = t;
    if (fcntl(fd, F_OFD_SETLKW, &f) != 0) rb_die("fcntl");
}
static void ofd_l(void) { ofd(F_WRLCK); }
static void ofd_u(void) { ofd(F_UNLCK); }
static void sp_l(void) { while (atomic_exchange_explicit(&pg->spin, 1, memory_order_acquire)) rb_relax(); }
static void sp_u(void) { atomic_store_explicit(&pg->spin, 0, memory_order_release); }

static void page(void) { pg = rb_shared(sizeof *pg); }
static void mutex(int robust)
{
    pthread_mutexattr_t a;
    page();
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    if (robust) pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&pg->mu, &a);
}
static void mu_init(void) { mutex(0); }
static void robust_init(void) { mutex(1); }
static void semaphore_init(void) { page(); sem_init(&pg->sem, 1, 1); }
static void sysv_init(void)
{
    semid = semget(IPC_PRIVATE, 1, 0600);
    if (semid < 0) rb_die("semget");
    semctl(semid, 0, SETVAL, 1);
}
static void undo_init(void) { undo = SEM_UNDO; sysv_init(); }
static void sysv_end(void) { semctl(semid, 0, IPC_RMID); }
static void file_init(void)
{
    const char *d = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/rblockXXXXXX", d ? d : "/tmp");
    fd = mkstemp(path);
    if (fd < 0) rb_die(path);
}
static void file_begin(void)    /* an open file of its own */
{
    fd = open(path, O_RDWR);
    if (fd < 0) rb_die(path);
}
static void file_end(void) { unlink(path); }

const char *(*const lock_version)(void) = gnu_get_libc_version;
const struct lock_kind lock_kinds[] = {
    { "spin", page, NULL, sp_l, sp_u, NULL },
    { "mutex", mu_init, NULL, mu_l, mu_u, NULL },
    { "robust", robust_init, NULL, mu_l, mu_u, NULL },
    { "sem", semaphore_init, NULL, sem_l, sem_u, NULL },
    { "sysv", sysv_init, NULL, sysv_l, sysv_u, sysv_end },
    { "sysv-undo", undo_init, NULL, sysv_l, sysv_u, sysv_end },
    { "flock", file_init, file_begin, fl_l, fl_u, file_end },
    { "ofd", file_init, file_begin, ofd_l, ofd_u, file_end },
    { 0 }
};
