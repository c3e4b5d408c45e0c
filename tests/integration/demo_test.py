"""`make demo`, for some seconds: the stack comes up, answers, is mended, and goes without a trace."""
import itertools
import os
import re
import signal
import socket
import urllib.request

import pytest
import watching

from conftest import ROOT

SCRIPT = ROOT / "examples/demo/run"
SECONDS = "60"  # a bound, not a wait: the test ends it


@pytest.fixture
def port():
    """One that nobody has, and that nobody is given who asks for any: below those, and another for each process of tests."""
    for port in itertools.count(20000 + os.getpid() % 10000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


@pytest.fixture
def demo(supervisor, port):
    """The demo's script around each supervisor, as its own process."""
    program = supervisor.program
    supervisor.program = str(SCRIPT)
    (supervisor.dir / "run").mkdir()
    return supervisor.run(program, SECONDS, env={"DEMO_PORT": str(port), "DEMO_DIR": str(supervisor.dir / "run")})


def page(port):
    with urllib.request.urlopen("http://127.0.0.1:%d/" % port, timeout=watching.LIMIT) as answer:
        return answer.read().decode()


def wait_web(demo):
    watching.wait_file(demo.dir / "run/web.log", lambda content: b"listening" in content)
    watching.wait_file(demo.dir / "run/cache.log", lambda content: b"ready to accept connections" in content.lower())


def interrupt(demo):
    """Ctrl-C: the terminal sends SIGINT to the whole group in the foreground."""
    os.killpg(demo.pid, signal.SIGINT)
    return demo.wait()


def test_the_stack_answers_and_ends_with_ctrl_c(demo, port):
    demo.wait_line("The site is at http://127.0.0.1:%d/" % port)
    for name in "cache", "web", "visit", "flaky":
        demo.wait_spawned(name)
    wait_web(demo)
    counts = [int(re.match(r"page (\d+), from worker \d+\n", page(port))[1]) for _ in range(3)]
    assert counts == sorted(set(counts))
    assert interrupt(demo) == 0
    assert {match[1] for match in demo.lines.matching(r"stopped: (\w+) ")} >= {"cache", "web"}


def test_what_crashes_and_what_is_killed_comes_again(demo, port):
    number, _ = demo.wait_line(r"exited: flaky \(.*not expected\)")
    demo.wait_spawned("flaky", after=number)
    wait_web(demo)
    _, cache = demo.wait_spawned("cache")
    demo.wait_running("cache")
    before = demo.seen
    os.kill(cache, signal.SIGKILL)
    demo.wait_spawned("cache", after=before)
    assert interrupt(demo) == 0


def test_the_job_comes_round(demo, port):
    number, _ = demo.wait_line(r"exited: visit \(exit status 0; expected\)")
    demo.wait_spawned("visit", after=number)
    assert b"saw: page" in watching.wait_file(demo.dir / "run/visit.log", lambda content: content.endswith(b"\n"))
    assert interrupt(demo) == 0
