"""CPython's own tests of the locks of threads, on libreeve's.

    python3 threading_shim.py LIBREEVE.SO [unittest's arguments]
"""
import faulthandler
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import libreeve

# Left out are tests of arguments that are Python's own, of representations, of what a lock may do that nobody owns
# (LockTests.test_reacquire, test_different_thread), and those that fail on a machine that is slow for a second.
LOCK = ["test_constructor", "test_acquire_destroy", "test_acquire_release", "test_try_acquire", "test_try_acquire_contended",
        "test_acquire_contended", "test_with", "test_thread_leak"]
SEMAPHORE = ["test_acquire", "test_acquire_destroy", "test_acquire_contended", "test_multirelease", "test_try_acquire",
             "test_try_acquire_contended", "test_default_value", "test_with", "test_release_unacquired"]
CASES = {
    "LockTests": ("locktype", libreeve.Lock, LOCK),
    "RLockTests": ("locktype", libreeve.RLock, LOCK + ["test_reacquire", "test_release_unacquired", "test_different_thread"]),
    "EventTests": ("eventtype", libreeve.Event, ["test_is_set", "test_notify", "test_timeout"]),
    "ConditionTests": ("condtype", libreeve.Condition, ["test_notify", "test_timeout", "test_waitfor"]),
    "SemaphoreTests": ("semtype", libreeve.Semaphore, SEMAPHORE),
    "BoundedSemaphoreTests": ("semtype", libreeve.BoundedSemaphore, SEMAPHORE),
    "BarrierTests": ("barriertype", libreeve.Barrier, [
        "test_barrier", "test_barrier_10", "test_wait_return", "test_action", "test_abort", "test_reset", "test_abort_and_reset",
        "test_timeout", "test_default_timeout", "test_single_thread"]),
}

if __name__ == "__main__":
    from test import lock_tests as theirs
    theirs.time = libreeve.PatientTime()
    for name, (attribute, kind, methods) in CASES.items():
        globals()[name] = type(name, (getattr(theirs, name),), {attribute: staticmethod(kind), "defaultTimeout": 30.0})
    chosen = sys.argv[2:] or ["%s.%s" % (name, method) for name, (_, _, methods) in CASES.items() for method in methods]
    faulthandler.dump_traceback_later(300, exit=True)  # where it hangs
    result = unittest.main(argv=sys.argv[:1] + chosen, exit=False, verbosity=2).result
    assert libreeve.clean_up()
    sys.exit(not result.wasSuccessful())
