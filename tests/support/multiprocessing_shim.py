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
import pathlib
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import libreeve
from libreeve import LIBRARY, SEMAPHORE_MAX, arena, check, wait

LEVEL, START_METHOD = sys.argv[2:4]

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


# --- The tests ---

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
    theirs.time = libreeve.PatientTime()
    native = {name: staticmethod(getattr(libreeve, name)) for name in
              ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier", "Queue", "JoinableQueue")}
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
    assert libreeve.clean_up() == (LEVEL != "real"), "tests of other objects than was said"
    sys.exit(not result.wasSuccessful())


# Here, and in the interpreters that START_METHOD "spawn" starts, in which this is not __main__.
if LEVEL == "semlock":
    install_semlock()
globals().update(load_tests_of(LEVEL))

if __name__ == "__main__":
    main()
