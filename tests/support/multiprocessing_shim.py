"""CPython's own tests of multiprocessing, on libreeve's locks and queues.

    python3 multiprocessing_shim.py LIBREEVE.SO LEVEL START_METHOD [unittest's arguments]

Levels: real (CPython's own, so that it is seen that a test can be passed), semlock (libreeve's semaphores and recursive locks
where CPython has its SemLock, everything above being CPython's), native (libreeve's lock, recursive lock, semaphore, condition,
event, barrier and queue each in the place of CPython's). Without further arguments: all tests that are right for the level.
"""
import ctypes as c
import errno
import faulthandler
import gc
import itertools
import os
import pickle
import queue
import sys
import threading
import time
import unittest

SEMAPHORE_MAX = 0x7fffffff
ALL = 0xffffffff
LIBRARY = c.CDLL(sys.argv[1])  # that calls without the interpreter's lock
LEVEL, START_METHOD = sys.argv[2:4]
# A call of libreeve goes on after a signal, so Python's handlers run between two calls: so long is one at most.
SLICE = 0.1
QUEUE_CAPACITY, MESSAGE_MAX = 1000, 1024

# What of each class is right for a level, and what is not:
#   _TestCondition.test_waitfor_timeout: fails on a machine that is slow for a second
#   _TestQueue.test_queue_feeder_*: there is no feeder; what cannot be sent is told by put() itself
#   _TestQueue.test_timeout, test_no_import_lock_contention, test_closed_*: of multiprocessing.Queue, by that name
TESTS = {
    "_TestLock": ["test_lock", "test_rlock", "test_lock_context"],
    "_TestSemaphore": ["test_semaphore", "test_bounded_semaphore", "test_timeout"],
    "_TestCondition": ["test_notify", "test_notify_all", "test_notify_n", "test_timeout", "test_waitfor", "test_wait_result"],
    "_TestEvent": ["test_event", "test_repr"],
    "_TestBarrier": ["test_barrier", "test_barrier_10", "test_wait_return", "test_action", "test_abort", "test_reset",
                     "test_abort_and_reset", "test_timeout", "test_default_timeout", "test_single_thread", "test_thousand"],
    "_TestQueue": ["test_put", "test_get", "test_fork", "test_qsize", "test_task_done"],
}
TESTS_OF_SEMLOCK = {
    "_TestQueue": ["test_no_import_lock_contention", "test_timeout", "test_queue_feeder_donot_stop_onexc",
                   "test_queue_feeder_on_queue_feeder_error", "test_closed_queue_put_get_exceptions"],
    "_TestValue": ["test_value", "test_rawvalue", "test_getobj_getlock"],
    "_TestArray": ["test_array", "test_array_from_size", "test_rawarray", "test_getobj_getlock_obj"],
    "TestSimpleQueue": ["test_empty", "test_close", "test_closed"],
    "SemLockTests": ["test_semlock_subclass"],
}


class ArenaSpec(c.Structure):
    """struct reeve_arena_spec"""
    _fields_ = [("label", c.c_char_p), ("size", c.c_size_t), ("participants", c.c_uint), ("objects", c.c_uint)]


class QueueSpec(c.Structure):
    """struct reeve_queue_spec"""
    _fields_ = [("capacity", c.c_size_t), ("message_max", c.c_size_t), ("order", c.c_int), ("on_death", c.c_int),
                ("priorities", c.c_uint), ("joinable", c.c_bool), ("producers", c.c_uint)]


def check(result):
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


def nanoseconds(seconds):
    return c.c_int64(max(0, int(seconds * 1e9)))


def wait(call, block, timeout):
    """What call(nanoseconds) returns in the end; -ETIMEDOUT."""
    deadline = None if timeout is None else time.monotonic() + timeout
    if not block:
        deadline = 0
    while True:
        left = SLICE if deadline is None else max(0, deadline - time.monotonic())
        result = call(nanoseconds(min(left, SLICE)))
        if result != -errno.ETIMEDOUT or (deadline is not None and left <= SLICE):
            return result


class Arena:
    """One for all, by a name that processes which were not forked ask for."""

    def __init__(self, name):
        spec = ArenaSpec(None, 64 << 20, 64, 4096)
        self.name, self.handle = name, c.c_void_p()
        check(LIBRARY.reeve_arena_connect(name.encode(), c.byref(spec), c.c_int64(-1), c.byref(self.handle)))

    def make(self, kind, name, *arguments):
        handle = c.c_void_p()
        check(getattr(LIBRARY, "reeve_%s_new" % kind)(self.handle, name.encode(), *arguments, c.c_int64(-1), c.byref(handle)))
        return handle

    def open(self, kind, name):
        handle = c.c_void_p()
        check(getattr(LIBRARY, "reeve_%s_open" % kind)(self.handle, name.encode(), c.byref(handle)))
        return handle


arenas = {}
numbers = itertools.count()


def arena(name=None):
    """The arena of that name; None: of those that this process and its like use."""
    name = name or os.environ.setdefault("REEVE_SHIM_ARENA", "multiprocessing-%d" % os.getpid())
    if name not in arenas:
        arenas[name] = Arena(name)
    return arenas[name]


class Object:
    def __init__(self, kind, *arguments):
        self.kind = kind
        self.handle = arena().make(kind, "%d-%d" % (os.getpid(), next(numbers)), *arguments)

    def call(self, verb, *arguments):
        return getattr(LIBRARY, "reeve_%s_%s" % (self.kind, verb))(self.handle, *arguments)

    def wait(self, verb, *arguments, block=True, timeout=None):
        return wait(lambda left: self.call(verb, *arguments, left), block, timeout)


# --- SemLock ---

class SemLock:
    """_multiprocessing.SemLock"""
    SEM_VALUE_MAX = SEMAPHORE_MAX

    def __init__(self, kind, value, maxvalue, name, unlink):
        self.kind, self.maxvalue = kind, maxvalue
        object_name = name.strip("/")
        self.name = None if unlink else object_name + "@" + arena().name
        self._set(arena().make(self._reeve_kind, object_name, *([] if kind == 0 else [value, maxvalue])))

    def _set(self, handle):
        self._handle, self.handle = handle, handle.value
        self._after_fork()

    @property
    def _reeve_kind(self):
        return "semaphore" if self.kind else "recursive_lock"

    def _call(self, verb, *arguments):
        return getattr(LIBRARY, "reeve_%s_%s" % (self._reeve_kind, verb))(self._handle, *arguments)

    @classmethod
    def _rebuild(cls, handle, kind, maxvalue, name):
        self = cls.__new__(cls)
        self.kind, self.maxvalue, self.name = kind, maxvalue, name
        object_name, arena_name = name.split("@")
        self._set(arena(arena_name).open(self._reeve_kind, object_name))
        return self

    def acquire(self, block=True, timeout=None):
        result = wait(lambda left: self._call("acquire", left), block, timeout)
        if result == -errno.ETIMEDOUT:
            return False
        if result != -errno.EOWNERDEAD:
            check(result)
        self._acquired += 1
        self._last = threading.get_ident()
        return True

    def release(self):
        if self.kind:
            self._acquired -= 1  # before others can acquire it
            result = self._call("release", 1)
            if result < 0:
                self._acquired += 1
                raise ValueError("semaphore or lock released too many times")
        elif self._call("release") < 0:
            raise AssertionError("attempt to release recursive lock not owned by thread")

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *unused):
        self.release()

    def _count(self):
        return self._acquired if self.kind else check(self._call("depth"))

    def _is_mine(self):
        return self._count() > 0 and (not self.kind or self._last == threading.get_ident())

    def _get_value(self):
        if self.kind:
            return check(self._call("value"))
        return 1 - check(self._call("holder", c.byref(c.create_string_buffer(256))))

    def _is_zero(self):
        return self._get_value() == 0

    def _after_fork(self):
        self._acquired, self._last = 0, None


def sem_unlink(name):
    """It goes with the arena."""


# --- What is libreeve's own ---

class Lock(Object):
    mistake = ValueError

    def __init__(self, kind="lock"):
        super().__init__(kind)

    def acquire(self, block=True, timeout=None):
        result = self.wait("acquire", block=block, timeout=timeout)
        if result == -errno.ETIMEDOUT or (result == -errno.EDEADLK and not block):
            return False
        if result != -errno.EOWNERDEAD:
            check(result)
        return True

    def release(self):
        if self.call("release") < 0:
            raise self.mistake("not held by this thread")

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *unused):
        self.release()


class RLock(Lock):
    mistake = AssertionError

    def __init__(self):
        super().__init__("recursive_lock")


class Semaphore(Object):
    def __init__(self, value=1, maximum=SEMAPHORE_MAX):
        super().__init__("semaphore", value, maximum)

    def acquire(self, block=True, timeout=None):
        result = self.wait("acquire", block=block, timeout=timeout)
        return False if result == -errno.ETIMEDOUT else check(result) == 0

    def release(self):
        if self.call("release", 1) == -errno.EOVERFLOW:
            raise ValueError("released too many times")

    def get_value(self):
        return check(self.call("value"))

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *unused):
        self.release()


class BoundedSemaphore(Semaphore):
    def __init__(self, value=1):
        super().__init__(value, value)


class Condition(Object):
    def __init__(self, lock=None):
        super().__init__("condition", 0)
        self.lock = lock or RLock()
        self.acquire, self.release = self.lock.acquire, self.lock.release

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *unused):
        self.release()

    def wait(self, timeout=None):
        verb = "wait_recursive" if isinstance(self.lock, RLock) else "wait"
        result = super().wait(verb, self.lock.handle, timeout=timeout)
        return False if result == -errno.ETIMEDOUT else check(result) == 0

    def wait_for(self, predicate, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        while not (result := predicate()):
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def notify(self, n=1):
        check(self.call("notify", c.c_uint(n)))

    def notify_all(self):
        self.notify(ALL)


class Event(Object):
    def __init__(self):
        super().__init__("event")

    def set(self):
        check(self.call("set"))

    def clear(self):
        check(self.call("clear"))

    def is_set(self):
        return check(self.call("is_set")) == 1

    def wait(self, timeout=None):
        result = super().wait("wait", timeout=timeout)
        return False if result == -errno.ETIMEDOUT else check(result) == 0

    def __repr__(self):
        return "<Event at %#x %s>" % (id(self), "set" if self.is_set() else "unset")


class Barrier(Object):
    def __init__(self, parties, action=None, timeout=None):
        super().__init__("barrier", parties)
        self.parties, self.action, self.timeout = parties, action, timeout

    def _arrive(self, timeout):
        # at once, since who stops waiting breaks it
        result = self.call("wait", c.c_int64(-1) if timeout is None else nanoseconds(timeout))
        if result in (-errno.EPIPE, -errno.ETIMEDOUT):
            raise threading.BrokenBarrierError
        return check(result)

    def wait(self, timeout=None):
        timeout = self.timeout if timeout is None else timeout
        arrived = self._arrive(timeout)
        if self.action:
            if arrived == 0:
                self.action()
            self._arrive(timeout)
        return arrived

    def abort(self):
        check(self.call("abort"))

    def reset(self):
        check(self.call("reset"))

    @property
    def broken(self):
        return check(self.call("is_broken")) == 1

    @property
    def n_waiting(self):
        return check(self.call("waiting"))


class Queue(Object):
    def __init__(self, maxsize=0, joinable=False):
        spec = QueueSpec(capacity=maxsize or QUEUE_CAPACITY, message_max=MESSAGE_MAX, joinable=joinable)
        super().__init__("queue", c.byref(spec))

    def put(self, item, block=True, timeout=None):
        message = pickle.dumps(item)
        result = self.wait("put", message, c.c_size_t(len(message)), block=block, timeout=timeout)
        if result == -errno.ETIMEDOUT:
            raise queue.Full
        check(result)

    def get(self, block=True, timeout=None):
        room, size = c.create_string_buffer(MESSAGE_MAX), c.c_size_t()
        result = wait(lambda left: self.call("get", room, c.c_size_t(MESSAGE_MAX), left, c.byref(size)), block, timeout)
        if result == -errno.ETIMEDOUT:
            raise queue.Empty
        check(result)
        return pickle.loads(room.raw[:size.value])

    def put_nowait(self, item):
        self.put(item, False)

    def get_nowait(self):
        return self.get(False)

    def qsize(self):
        return check(self.call("size"))

    def empty(self):
        return check(self.call("is_empty")) == 1

    def full(self):
        return check(self.call("is_full")) == 1


class JoinableQueue(Queue):
    def __init__(self, maxsize=0):
        super().__init__(maxsize, joinable=True)

    def task_done(self):
        if self.call("task_done") == -errno.ENOMSG:
            raise ValueError("task_done() called too many times")

    def join(self):
        check(super().wait("join"))


# --- The tests ---

class PatientTime:
    """The module time, for tests which take it that others are done within a second: they wait for three."""

    def __getattr__(self, name):
        return getattr(time, name)

    @staticmethod
    def sleep(seconds):
        time.sleep(seconds if seconds < 1 else 3 * seconds)


class Patient:
    """Over CPython's tests: what has to come about may take its time."""

    def assertReturnsIfImplemented(self, value, function, *arguments):
        until = time.monotonic() + 30
        while (found := function(*arguments)) != value and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual(found, value)


class NativeInvariants:
    def check_invariant(self, condition):
        self.assertEqual(LIBRARY.reeve_condition_waiting(condition.handle), 0)


def install_semlock():
    import _multiprocessing
    import multiprocessing.synchronize
    for module in _multiprocessing, multiprocessing.synchronize:
        module.sem_unlink = sem_unlink
    _multiprocessing.SemLock = SemLock
    multiprocessing.synchronize.SEM_VALUE_MAX = SEMAPHORE_MAX


def load_tests_of(level):
    """{the name of a test case: itself}"""
    from test import _test_multiprocessing as theirs
    theirs.DELTA = 0.4
    theirs.time = PatientTime()
    native = {kind.__name__: staticmethod(kind) for kind in
              (Lock, RLock, Semaphore, BoundedSemaphore, Condition, Event, Barrier, Queue, JoinableQueue)}
    found = {}
    for name in {**TESTS, **TESTS_OF_SEMLOCK}:
        base = getattr(theirs, name)
        bases = (base,) if issubclass(base, unittest.TestCase) else (Patient, base, theirs.ProcessesMixin, unittest.TestCase)
        more = {}
        if level == "native":
            bases, more = (NativeInvariants, *bases), native
        found[name.strip("_")] = type(name.strip("_"), bases, {"__module__": "__main__", **more})
    return found


def names(level):
    tests = {name: list(methods) for name, methods in TESTS.items()}
    if level != "native":
        for name, methods in TESTS_OF_SEMLOCK.items():
            tests.setdefault(name, []).extend(methods)
    return ["%s.%s" % (name.strip("_"), method) for name, methods in tests.items() for method in methods]


def main():
    import multiprocessing
    from multiprocessing import util
    multiprocessing.set_start_method(START_METHOD, force=True)
    util.get_temp_dir()
    faulthandler.dump_traceback_later(300, exit=True)  # where it hangs
    chosen = sys.argv[4:] or names(LEVEL)
    result = unittest.main(argv=sys.argv[:1] + chosen, exit=False, verbosity=2).result
    gc.collect()
    util._cleanup_tests()
    for name in arenas:
        check(LIBRARY.reeve_arena_unpublish(name.encode(), c.c_int64(-1)))
    assert bool(arenas) == (LEVEL != "real"), "tests of other objects than was said"
    sys.exit(not result.wasSuccessful())


# Here, and in the interpreters that START_METHOD "spawn" starts, in which this is not __main__.
if LEVEL == "semlock":
    install_semlock()
globals().update(load_tests_of(LEVEL))

if __name__ == "__main__":
    main()
