"""libreeve's locks and queues with the faces that multiprocessing's have: for shims, whose first argument is the library."""
import ctypes as c
import errno
import itertools
import os
import pickle
import queue
import sys
import threading
import time

SEMAPHORE_MAX = 0x7fffffff
ALL = 0xffffffff
LIBRARY = c.CDLL(sys.argv[1])  # that calls without the interpreter's lock
# A call of libreeve goes on after a signal, so Python's handlers run between two calls: so long is one at most.
SLICE = 0.1
QUEUE_CAPACITY, MESSAGE_MAX = 1000, 1024


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


def clean_up():
    """Give up the names of arenas. Whether there were any."""
    for name in arenas:
        check(LIBRARY.reeve_arena_unpublish(name.encode(), c.c_int64(-1)))
    return bool(arenas)


class Object:
    def __init__(self, kind, *arguments):
        self.kind = kind
        self.handle = arena().make(kind, "%d-%d" % (os.getpid(), next(numbers)), *arguments)

    def call(self, verb, *arguments):
        return getattr(LIBRARY, "reeve_%s_%s" % (self.kind, verb))(self.handle, *arguments)

    def wait(self, verb, *arguments, block=True, timeout=None):
        return wait(lambda left: self.call(verb, *arguments, left), block, timeout)


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


class Mistake(AssertionError, RuntimeError):
    """As multiprocessing's locks have it, and as those of threading."""


class RLock(Lock):
    mistake = Mistake

    def __init__(self):
        super().__init__("recursive_lock")


class Semaphore(Object):
    def __init__(self, value=1, maximum=SEMAPHORE_MAX):
        super().__init__("semaphore", value, maximum)

    def acquire(self, block=True, timeout=None):
        result = self.wait("acquire", block=block, timeout=timeout)
        return False if result == -errno.ETIMEDOUT else check(result) == 0

    def release(self, n=1):
        if self.call("release", n) == -errno.EOVERFLOW:
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


class PatientTime:
    """The module time, for tests which take it that others are done within a second: they wait for three."""

    def __getattr__(self, name):
        return getattr(time, name)

    @staticmethod
    def sleep(seconds):
        time.sleep(seconds if seconds < 1 else 3 * seconds)
