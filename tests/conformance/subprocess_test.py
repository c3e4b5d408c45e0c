"""CPython's own tests of subprocess hold when libreeve's spawn stands where its _fork_exec was."""
import importlib.util
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("REEVE_BUILD", ROOT / "build"))
SHIM = ROOT / "tests/support/subprocess_shim.py"
CASES = ["ProcessTestCase", "POSIXProcessTestCase", "RunFuncTestCase"]


def is_sanitized(library):
    return b"__asan_init" in library.read_bytes() or b"__tsan_init" in library.read_bytes()


def test_subprocess_works_on_our_spawn(tmp_path):
    library = BUILD / "src/lib/libreeve.so"
    if importlib.util.find_spec("test.test_subprocess") is None:
        pytest.skip("CPython's tests are not installed (libpython3.11-testsuite)")
    if is_sanitized(library):
        pytest.skip("a sanitizer's run time cannot be loaded late")
    done = subprocess.run(["/usr/bin/python3", "-W", "ignore", SHIM, library, *CASES], cwd=tmp_path, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(re.search(r"^Ran (\d+) tests", done.stderr, re.MULTILINE).group(1)) > 150
