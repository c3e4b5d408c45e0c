"""The runner itself (tests/run): what it counts as passed, and that nothing that went wrong can pass."""
import importlib.machinery
import importlib.util

import pytest

import tree


@pytest.fixture(scope="module")
def runner():
    loader = importlib.machinery.SourceFileLoader("runner", str(tree.ROOT / "tests/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", loader))
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("said, result, counted", [
    ("ok 1 - a\nok 2 - b\n1..2\n", "OK", "2 passed, 0 failed"),
    ("ok 1 - a\nnot ok 2 - b: why\n1..2\n", "FAIL", "1 passed, 1 failed"),
    ("ok 1 - a # SKIP no network\n1..1\n", "SKIP", "0 passed, 0 failed, 1 skipped"),
    ("ok 1 - a\n", "TIMEOUT", "1 passed, 1 failed"),  # it died after its first check
    ("ok 1 - a\n1..2\n", "ERROR", "1 passed, 1 failed"),  # fewer checks than it promised
    ("", "FAIL", "0 passed, 1 failed"),
    ("words\n", "OK", "1 passed, 0 failed"),  # no TAP: the program is the check
])
def test_single_checks_are_counted(runner, said, result, counted):
    tally = runner.Tally()
    runner.count_program(tally, {"name": "x", "stdout": said, "result": result, "returncode": 1}, "unit")
    assert str(tally) == counted


def test_what_a_failed_check_said_is_kept(runner):
    tally = runner.Tally()
    runner.count_program(tally, {"name": "x", "stdout": "some words\nnot ok 1 - b: why\n1..1\n", "stderr": "more\n", "result": "FAIL",
                                 "returncode": 1}, "asan")
    assert tally.failed == [("x (asan): b: why", "some words\nmore")]


def test_a_command_that_does_not_end_is_ended(runner, monkeypatch):
    monkeypatch.setattr(runner, "RING_SECONDS", 0.2)
    status, said = runner.output_of(["sh", "-c", "echo begun; exec sleep 1000"])
    assert status != 0 and said == "begun\n"


def test_a_build_that_fails_is_a_failure(runner, monkeypatch):
    monkeypatch.setattr(runner, "output_of", lambda argv, **more: (1, "error: what was wrong"))
    assert str(runner.build("build", "cc")) == "0 passed, 1 failed"


def test_pytest_that_does_not_begin_is_a_failure(runner, tmp_path):
    tally = runner.pytest(tmp_path, "unit", [tmp_path / "nowhere"])
    assert str(tally) == "0 passed, 1 failed"
