"""`reeved --status`: the board as a table, without waking anyone."""
import os
import re
import signal
import subprocess
import time

import pytest
import roles
import watching

from conftest import REEVED, needs_unshare


def status(reeved, *before):
    done = subprocess.run([*before, REEVED, "-c", reeved.conf, "--status"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=watching.LIMIT)
    return done.returncode, done.stdout, done.stderr


def program(name, command, **keys):
    return "[program:%s]\ncommand = %s\n" % (name, command) + "".join("%s = %s\n" % item for item in keys.items())


def test_columns(reeved):
    """As supervisorctl's: the name in 30 columns or the longest one's, three blanks, the state in ten, a description."""
    reeved.start(program("up", "sleep 1000", startsecs=0) + program("starting", "sleep 1000", startsecs=1000) +
                 program("off", "sleep 1000", autostart="false") + program("ended", "/bin/true", startsecs=0) +
                 program("fatal", "nosuchcommand", startretries=0) + program("quick", "/bin/false", startsecs=1000, startretries=0) +
                 program("backoff", "/bin/false", startsecs=1000, startretries=100) +
                 program("member", "sleep 1000", startsecs=0) + "[group:team]\nprograms = member\n")
    reeved.wait_running("up")
    reeved.wait_running("member")
    for line in "exited: ended", "gave up: fatal", "gave up: quick", "exited: backoff":
        reeved.wait_line(line)
    moment, out = time.strftime("%b %d %I:%M %p"), ""
    while not re.search("backoff +BACKOFF", out):  # now and then it is just being tried
        code, out, said = status(reeved)
        assert (code, said) == (3, "")
    lines = out.splitlines()
    assert [line[:33].rstrip() for line in lines] == ["backoff", "ended", "fatal", "off", "quick", "starting", "team:member", "up"]
    rows = {line[:33].rstrip(): (line[33:43].rstrip(), line[43:]) for line in lines}
    assert re.fullmatch(r"pid %d, uptime 0:00:\d\d" % reeved.wait_spawned("up")[1], rows.pop("up")[1])
    assert rows.pop("team:member")[0] == "RUNNING"
    state, when = rows.pop("ended")
    assert state == "EXITED" and when in (moment, time.strftime("%b %d %I:%M %p"))
    assert rows == {
        "backoff": ("BACKOFF", "Exited too quickly (process log may have details)"),
        "fatal": ("FATAL", "can't find command 'nosuchcommand'"),
        "off": ("STOPPED", "Not started"),
        "quick": ("FATAL", "Exited too quickly (process log may have details)"),
        "starting": ("STARTING", ""),
    }
    assert reeved.stop() == 0


def test_a_long_name_widens_the_column(reeved):
    name = "n" * 40
    reeved.start(program(name, "sleep 1000", startsecs=0) + program("x", "sleep 1000", startsecs=0))
    for each in name, "x":
        reeved.wait_running(each)
    _, out, _ = status(reeved)
    assert [line.index("RUNNING") for line in out.splitlines()] == [43, 43]
    assert reeved.stop() == 0


@pytest.mark.parametrize("text, code", [
    ("", 0),
    (program("x", "sleep 1000", startsecs=0), 0),
    (program("x", "sleep 1000", startsecs=1000), 0),
    (program("x", "sleep 1000", autostart="false"), 3),
    (program("x", "/bin/false", startsecs=1000, startretries=100), 0),  # BACKOFF is no end
])
def test_exit_status(reeved, text, code):
    reeved.start(text)
    if text and "autostart" not in text:
        reeved.wait_line("spawned: 'x'")
    assert status(reeved)[0] == code
    assert reeved.stop() == 0


def test_nobody_runs(reeved):
    """Never, not any more, and a configuration that is none."""
    reeved.start("")
    assert reeved.stop() == 0
    code, out, said = status(reeved)
    assert (code, out) == (4, "") and str(reeved.dir / "supervisord.pid") in said
    (reeved.dir / "supervisord.pid").write_text("%d\n" % os.getpid())  # a stale one, with somebody else's pid
    code, out, said = status(reeved)
    assert (code, out) == (4, "") and said
    reeved.conf.unlink()
    code, out, said = status(reeved)
    assert (code, out) == (4, "") and "supervisord.conf" in said


def test_while_the_core_is_dead_and_while_it_is_stopped(reeved):
    reeved.start(program("x", "sleep 1000", startsecs=0))
    reeved.wait_running("x")
    core = roles.wait_pid_of("core", reeved.pid)
    os.kill(core, signal.SIGSTOP)
    assert status(reeved)[0] == 0
    os.kill(reeved.pid, signal.SIGSTOP)  # nobody starts another
    os.kill(core, signal.SIGKILL)
    watching.wait_end(core)
    code, out, said = status(reeved)
    assert (code, said) == (0, "") and "RUNNING" in out
    os.kill(reeved.pid, signal.SIGCONT)
    roles.wait_pid_of("core", reeved.pid, other_than=core)
    assert reeved.stop() == 0


def test_it_wakes_nobody(reeved):
    reeved.start(program("x", "sleep 1000", startsecs=0))
    reeved.wait_running("x")
    pids = [reeved.pid, roles.wait_pid_of("core", reeved.pid), roles.wait_pid_of("scribe", reeved.pid)]
    reeved.wait_line("success: x")

    def switches():
        return [re.findall(r"^voluntary_ctxt_switches:\s+(\d+)$", open("/proc/%d/status" % pid).read(), re.MULTILINE) for pid in pids]
    def sleep_through_five():
        before = switches()
        for _ in range(5):
            status(reeved)
        return switches() == before
    assert any(sleep_through_five() for _ in range(20))  # at first they are not at rest yet
    assert reeved.stop() == 0


def test_another_user_is_told_why_not(reeved):
    """What a process of root's has open is nobody else's to see."""
    if os.getuid() != 0:
        pytest.skip("for root")
    needs_unshare("--mount")
    reeved.start(program("x", "sleep 1000", startsecs=0))
    reeved.wait_running("x")
    pidfile = reeved.dir / "supervisord.pid"
    code, out, said = status(reeved, "unshare", "--mount", "setpriv", "--reuid", "nobody", "--clear-groups", "--bounding-set=-all")
    assert (code, out) == (4, "")
    assert re.search("[Pp]ermission", said), said
    assert pidfile.read_text() == "%d\n" % reeved.pid
    assert reeved.stop() == 0
