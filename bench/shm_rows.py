"""The table's rows about queues, locks and heartbeats in shared memory, and how each is measured."""
from held import Result, at_least, at_most, for_reference, no_slower_than_best, number

FORMS = {"reeve-lanes": "lanes", "reeve-strict": "strict order"}
# A consumer that sleeps has to be woken; one that spins is what a ring that spins is to be compared with.
HOW = {"": "", "-spin": ", spinning"}
EACH_FORM = {form + how: name + word for form, name in FORMS.items() for how, word in HOW.items()}
# Rings that spin are floors: what the memory needs, at the price of a processor that waits.
FLOORS = "shm-spsc-spin", "shm-mpmc-spin", "memcpy"


def nanoseconds(found, peer, size, shape="1x1", how="tput"):
    return found.value("lib.queue", "ns", peer, shape=shape, size=size, how=how)


def peers(found, size, shape="1x1"):
    """{peer: ns} of those that neither are reeve's nor a floor."""
    return {peer: nanoseconds(found, peer, size, shape)
            for peer in found.peers("lib.queue", "ns", shape=shape, size=size, how="tput")
            if peer not in FLOORS and not peer.startswith("reeve")}


def all_whole(found):
    """Every message that reeve moved was checked by its consumer."""
    rounds = [record for form in EACH_FORM for record in found.find("lib.queue", "ns", form)]
    wrong = sum(record["params"]["errors"] + record["params"]["failed_runs"] for record in rounds)
    return Result("the same by reeve: messages torn or out of their order, runs that failed", str(wrong) if rounds else "-", "-", "none",
                  wrong == 0 if rounds else None)


def queue(found):
    took = {peer: nanoseconds(found, peer, 64) for peer in (*EACH_FORM, "shm-spsc-spin", "shm-mutex-cond", "cpython-queue")}
    what = "64-byte message, 1 producer, 1 consumer: "
    for how, word in HOW.items():
        yield at_most(what + "lanes" + word, took["reeve-lanes" + how], took["shm-spsc-spin"], 1.5, "ns", "raw SPSC ring, spinning")
    yield at_most(what + "strict order", took["reeve-strict"], took["shm-mutex-cond"], 1, "ns", "mutex+cond ring",
                  "no slower than the mutex+cond ring")
    for form, name in FORMS.items():
        yield at_most(what + name, took[form], took["cpython-queue"], 1 / 40, "ns", "multiprocessing.Queue",
                      "40 times faster than multiprocessing.Queue")
        yield for_reference(no_slower_than_best(what + name, took[form], peers(found, 64), "ns"))
    yield all_whole(found)


def large(found):
    for size, word in (4096, "4 KiB"), (1 << 20, "1 MiB"):
        def rate(peer, size=size):
            per_s = found.value("lib.queue", "per_s", peer, shape="1x1", size=size, how="inplace")
            return per_s and per_s * size / 1e9
        for form, name in EACH_FORM.items():
            yield at_least("%s in place (reserve/commit, peek/release): %s" % (word, name), rate(form), rate("memcpy"), 0.8, "GB/s",
                           "memcpy")
            yield for_reference(at_least("the same", rate(form), rate("shm-spsc-spin"), 1, "GB/s", "raw SPSC ring"))
        for form, name in FORMS.items():
            yield no_slower_than_best("%s, copied (put, get): %s" % (word, name), nanoseconds(found, form, size), peers(found, size), "ns")
    yield all_whole(found)


def many(found):
    for shape in "2x2", "4x4":
        for form, name in FORMS.items():
            what = "64-byte message, %s producers x consumers: %s" % (shape.replace("x", " x "), name)
            ours = nanoseconds(found, form, 64, shape)
            yield no_slower_than_best(what, ours, peers(found, 64, shape), "ns")
            yield for_reference(at_most(what, ours, nanoseconds(found, "shm-mpmc-spin", 64, shape), 1, "ns", "spinning MPMC ring"))
    yield all_whole(found)


def pingpong(found):
    def took(peer):
        return found.value("lib.queue", "roundtrip_p50", peer, size=64, cores="may sleep")
    for form, name in FORMS.items():
        yield at_most("64 bytes there and back, spinning: %s" % name, took(form + "-spin"), took("futex-spin"), 1.3, "ns",
                      "spinning ping-pong")
        yield at_most("64 bytes there and back, blocking: %s" % name, took(form), took("futex"), 1.3, "ns", "futex ping-pong")


def pairs(found, peer, how):
    """ns for one lock and unlock"""
    value = found.value("lib.locks", how, peer)
    return value if how == "uncontended" or not value else 1e9 / value


def locks(found):
    for how, word in ("uncontended", "uncontended"), ("contended", "two processes"):
        def took(peer, how=how):
            return pairs(found, peer, how)
        yield at_most("lock + unlock, %s" % word, took("reeve-lock"), took("pthread-mutex-robust"), 1.1, "ns", "robust pthread mutex")
        for peer in "posix-sem-pshared", "cpython-mp-lock":
            yield for_reference(at_most("lock + unlock, %s" % word, took("reeve-lock"), took(peer), 1, "ns", peer))
        yield for_reference(at_most("semaphore, acquire + release, %s" % word, took("reeve-semaphore"), took("posix-sem-pshared"), 1,
                                    "ns", "sem_t"))
        yield at_most("owned semaphore, acquire + release, %s" % word, took("reeve-owned-semaphore"), took("sysv-sem-undo"), 1 / 5, "ns",
                      "SysV with undo", "5 times faster than SysV with undo")
    rounds = [record for peer in found.peers("lib.locks", "contended") if peer.startswith("reeve")
              for record in found.find("lib.locks", "contended", peer)]
    exact = all(record["params"]["exact"] for record in rounds)
    share = min((record["params"]["smaller_share"] for record in rounds), default=None)
    yield Result("two processes count under each of reeve's locks: exact; the smaller share", number(share), "-", "exact",
                 exact if rounds else None)


def beat(found):
    ours, store = (found.value("lib.beat", "ns", peer) for peer in ("reeve", "store"))
    yield Result("heartbeat", number(ours, "ns"), "one store %s" % number(store, "ns"), "at most 5 ns",
                 None if ours is None else ours <= 5, ours / store if ours and store else None)


EVERYONE = ["shm-mutex-cond", "zeromq-ipc", "pipe", "seqpacket", "posix-mq", "cpython-simplequeue", "cpython-queue"]
QUEUES = {
    "queue": (queue, "lib_queue", ["--do", "tput", "--shape", "1x1", "--sizes", "64", "--seconds", "0.4"], (5, 15),
              ["shm-spsc-spin", *EVERYONE]),
    "large": (large, "lib_queue", ["--do", "inplace,tput", "--shape", "1x1", "--sizes", "4096,1048576", "--seconds", "0.3"], (3, 9),
              ["shm-spsc-spin", "memcpy", *EVERYONE]),
    "many": (many, "lib_queue", ["--do", "tput", "--shape", "2x2,4x4", "--sizes", "64", "--seconds", "0.4"], (5, 15),
             ["shm-mpmc-spin", *EVERYONE]),
    "pingpong": (pingpong, "lib_queue", ["--do", "pp", "--sizes", "64", "--iters", "5000"], (5, 15),
                 ["futex", "futex-spin", "shm-mutex-cond", "pipe", "seqpacket"]),
}
ROWS = {
    **QUEUES,
    "locks": (locks, "lib_locks", ["--seconds", "0.3"], (5, 15),
              ["pthread-mutex-robust", "posix-sem-pshared", "sysv-sem-undo", "cpython-mp-lock"]),
    "beat": (beat, "lib_beat", ["--seconds", "0.2"], (5, 15), ["store"]),
}
LIBRARY_PEERS = {
    **{name: list(FORMS) for name in QUEUES}, **{name: list(EACH_FORM) for name in ("queue", "large", "pingpong")},
    "locks": ["reeve-lock", "reeve-semaphore", "reeve-owned-semaphore"], "beat": ["reeve"],
}
