"""CPython's own tests of multiprocessing, and of the locks of threads, hold when libreeve's locks and queues stand where its own
were."""
import importlib.util
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("REEVE_BUILD", ROOT / "build"))
LIBRARY = BUILD / "src/lib/libreeve.so"


def is_sanitized(library):
    return b"__asan_init" in library.read_bytes() or b"__tsan_init" in library.read_bytes()


def run(shim, directory, *arguments):
    """Run the tests that a shim has chosen: how many there were."""
    if importlib.util.find_spec("test._test_multiprocessing") is None:
        pytest.skip("CPython's tests are not installed (libpython3.11-testsuite)")
    if is_sanitized(LIBRARY):
        pytest.skip("a sanitizer's run time cannot be loaded late")
    done = subprocess.run(["/usr/bin/python3", "-W", "ignore", ROOT / "tests/support" / shim, LIBRARY, *arguments], cwd=directory,
                          capture_output=True, text=True, timeout=330)
    assert done.returncode == 0, done.stderr
    assert "skipped" not in done.stderr
    return int(re.search(r"^Ran (\d+) tests", done.stderr, re.MULTILINE).group(1))


# The level that is replaced, and how processes are started: `spawn` makes strangers of them, who find the locks by the name of an
# arena.
@pytest.mark.parametrize("level, start_method, count", [("real", "fork", 46), ("semlock", "fork", 46), ("semlock", "spawn", 46),
                                                        ("native", "fork", 30)])
def test_multiprocessing_works_on_our_objects(tmp_path, level, start_method, count):
    assert run("multiprocessing_shim.py", tmp_path, level, start_method) == count


def test_threads_work_on_our_objects(tmp_path):
    assert run("threading_shim.py", tmp_path) == 53
