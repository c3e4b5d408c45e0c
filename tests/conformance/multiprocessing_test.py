"""CPython's own tests of multiprocessing hold when libreeve's locks and queues stand where its own were."""
import importlib.util
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("REEVE_BUILD", ROOT / "build"))
SHIM = ROOT / "tests/support/multiprocessing_shim.py"


def is_sanitized(library):
    return b"__asan_init" in library.read_bytes() or b"__tsan_init" in library.read_bytes()


# The level that the shim replaces, how processes are started, and how many tests there are. Its `spawn` children are strangers
# to their parent: they find the locks by the name of an arena.
@pytest.mark.parametrize("level, start_method, count", [("real", "fork", 46), ("semlock", "fork", 46), ("semlock", "spawn", 46),
                                                        ("native", "fork", 30)])
def test_multiprocessing_works_on_our_objects(tmp_path, level, start_method, count):
    library = BUILD / "src/lib/libreeve.so"
    if importlib.util.find_spec("test._test_multiprocessing") is None:
        pytest.skip("CPython's tests are not installed (libpython3.11-testsuite)")
    if is_sanitized(library):
        pytest.skip("a sanitizer's run time cannot be loaded late")
    done = subprocess.run(["/usr/bin/python3", "-W", "ignore", SHIM, library, level, start_method], cwd=tmp_path,
                          capture_output=True, text=True, timeout=330)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Ran (\d+) tests", done.stderr, re.MULTILINE).group(1) == str(count)
    assert "skipped" not in done.stderr
