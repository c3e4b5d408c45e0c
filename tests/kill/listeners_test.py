"""reeved's processes killed while events are on their way: none is lost, and none is told twice."""
import fcntl
import hashlib
import json
import os
import signal
import sys
import termios

import listening
import pytest
import roles
import watching

# Tells each number once, as a capture, as fast as it can, and waits now and again until somebody says go.
COUNTER = """import os, sys
go = os.open(sys.argv[1], os.O_RDONLY)
n = 0
while os.read(go, 1):
    for _ in range(%d):
        os.write(1, b"<!--XSUPERVISOR:BEGIN-->" + b"%%d." %% n * 50 + b"<!--XSUPERVISOR:END-->line %%d\\n" %% n)
        n += 1
"""
BATCH = 40
ROUNDS = 8


@pytest.fixture
def events(reports):
    return listening.Events(reports)


@pytest.fixture
def gos(tmp_path):
    made = {name: listening.Go(tmp_path / name) for name in ("go", "count-go")}
    yield made
    for fifo in made.values():
        fifo.close()


def start_counter(reeved, listener):
    (reeved.dir / "count.py").write_text(COUNTER % BATCH)
    reeved.start(listener + "[program:count]\ncommand = %s {dir}/count.py {dir}/count-go\nstartsecs = 0\nstdout_capture_maxbytes = 10KB\n"
                 "stdout_logfile = {dir}/count.log\n" % sys.executable)
    reeved.wait_running("count")


def number_of(event):
    payload = event["data"].partition("\n")[2]
    number = int(payload.partition(".")[0])
    assert payload == "%d." % number * 50
    return number


def kill(reeved, role, keeper=None):
    """Kill a role, not waiting for the next one. Returns the keeper that there will be."""
    keeper = keeper or reeved.pid
    if role == "keeper":
        core = roles.wait_pid_of("core", keeper)
        os.kill(keeper, signal.SIGKILL)
        return core
    pid = roles.wait_pid_of(role, keeper)
    os.kill(pid, signal.SIGKILL)
    watching.wait_end(pid)
    return keeper


@pytest.mark.parametrize("killed", ["core", "scribe", "both"])
def test_each_is_told_once(reeved, events, gos, killed):
    """A program tells numbers, a listener hears of them; roles die in the middle of it."""
    start_counter(reeved, listening.section("PROCESS_COMMUNICATION", buffer_size=100000))
    total = 0
    for _ in range(ROUNDS):
        gos["count-go"].go()
        total += BATCH
        first = events.event()
        assert number_of(first) == total - BATCH
        for role in ("core", "scribe") if killed == "both" else (killed,):
            kill(reeved, role)
        for number in range(total - BATCH + 1, total):
            event = events.event()
            assert (number_of(event), int(event["head"]["poolserial"])) == (number, number)
    log = watching.wait_file(reeved.dir / "count.log", lambda data: data.count(b"\n") == total)
    assert log == b"".join(b"line %d\n" % n for n in range(total))
    assert len({line["pid"] for line in map(json.loads, events.reports.lines)}) == 1  # the listener went on
    reeved.lines.wait("starting it again")
    assert reeved.stop() == 0


def test_a_busy_listener(reeved, events, gos):
    """The core dies while a listener has an event and others wait: the answer counts, and the others come."""
    start_counter(reeved, listening.section("PROCESS_COMMUNICATION", options="--go={dir}/go --answers=OK,FAIL,OK"))
    gos["go"].go()
    gos["count-go"].go()
    found = [events.event()]
    kill(reeved, "core")
    gos["go"].go()  # OK
    found.append(events.event())
    kill(reeved, "core")
    roles.wait_pid_of("core", reeved.pid)
    gos["go"].go()  # FAIL
    found.append(events.event())
    kill(reeved, "core")
    gos["go"].go(2 * BATCH)
    while len(found) < BATCH + 1:
        found.append(events.event())
    assert [int(event["head"]["poolserial"]) for event in found] == [0, 1] + list(range(1, BATCH))
    assert [number_of(event) for event in found] == [0, 1] + list(range(1, BATCH))
    assert reeved.stop() == 0


def test_a_listener_that_dies_with_its_core(reeved, events, gos):
    """Its event is told again, to the next one."""
    start_counter(reeved, listening.section("PROCESS_COMMUNICATION", options="--go={dir}/go"))
    gos["go"].go()
    gos["count-go"].go()
    first = events.event()
    core = roles.wait_pid_of("core", reeved.pid)
    os.kill(core, signal.SIGSTOP)
    os.kill(first["pid"], signal.SIGKILL)
    watching.wait_end(first["pid"])
    os.kill(core, signal.SIGKILL)
    gos["go"].go(2 * BATCH)
    found = [events.event() for _ in range(BATCH)]
    assert found[0]["pid"] != first["pid"]
    assert [number_of(event) for event in found] == list(range(BATCH))
    assert reeved.stop() == 0


def test_the_keeper(reeved, events, gos):
    """The core becomes the keeper, with all that there was."""
    start_counter(reeved, listening.section("PROCESS_COMMUNICATION", options="--go={dir}/go"))
    gos["go"].go()
    gos["count-go"].go()
    first = events.event()
    keeper = kill(reeved, "keeper")
    roles.wait_pid_of("core", keeper)
    gos["go"].go(2 * BATCH)
    found = [first] + [events.event() for _ in range(BATCH - 1)]
    assert [number_of(event) for event in found] == list(range(BATCH))
    os.kill(keeper, signal.SIGTERM)
    watching.wait_end(keeper)


def test_a_long_event_half_sent(reeved, events, gos):
    """Longer than the listener's pipe, which is full when the core dies: not a byte is missing or comes twice."""
    (reeved.dir / "big.py").write_text(
        "import os, sys\nos.write(1, b'<!--XSUPERVISOR:BEGIN-->')\nfor n in range(30000): os.write(1, b'%09d\\n' % n)\n"
        "os.write(1, b'<!--XSUPERVISOR:END-->')\nos.read(os.open(sys.argv[1], os.O_RDONLY), 1)\n")
    (reeved.dir / "slow.py").write_text(
        "import hashlib, os, sys\nreports = os.open(sys.argv[1], os.O_WRONLY)\ngo = os.open(sys.argv[2], os.O_RDONLY)\n"
        "os.write(1, b'READY\\n')\nline = b''\nwhile not line.endswith(b'\\n'): line += os.read(0, 1)\n"
        "os.write(reports, line)\nsize = int(line.rpartition(b':')[2])\ndata = b''\n"
        "while len(data) < size:\n    if len(data) % 50000 == 0: os.read(go, 1)\n"
        "    data += os.read(0, min(50000 - len(data) % 50000, size - len(data)))\n"
        "os.write(reports, b'sum %s\\n' % hashlib.sha256(data.partition(b'\\n')[2]).hexdigest().encode())\nos.write(1, b'RESULT 2\\nOK')\nos.read(go, 1)\n")
    reeved.start("[eventlistener:l]\ncommand = %s {dir}/slow.py {dir}/reports {dir}/go\nevents = PROCESS_COMMUNICATION\nstartsecs = 0\n"
                 "[program:big]\ncommand = %s {dir}/big.py {dir}/count-go\nstartsecs = 0\nstdout_capture_maxbytes = 1MB\n" % (sys.executable, sys.executable))
    events.reports.wait("eventname:PROCESS_COMMUNICATION_STDOUT")
    for _ in range(7):
        kill(reeved, "core")
        gos["go"].go()
    _, match = events.reports.wait(r"sum (\w+)")
    assert match[1] == hashlib.sha256(b"".join(b"%09d\n" % n for n in range(30000))).hexdigest()
    assert reeved.stop() == 0


def test_what_is_told_between_two_cores(reeved, events, gos):
    """The scribe has not heard of the new core yet when it has something for it."""
    start_counter(reeved, listening.section("PROCESS_COMMUNICATION", buffer_size=1000))
    events.next()
    scribe, core = (roles.wait_pid_of(role, reeved.pid) for role in ("scribe", "core"))
    os.kill(scribe, signal.SIGSTOP)
    gos["count-go"].go(2)
    while fcntl.ioctl(gos["count-go"].fd, termios.FIONREAD, b"\0" * 4) != b"\0" * 4:
        os.sched_yield()  # the first batch is in the pipe, for the second has begun
    os.kill(core, signal.SIGKILL)
    core = roles.wait_pid_of("core", reeved.pid, other_than=core)
    while watching.processes()[core][1] != "S":
        os.sched_yield()  # until it has begun
    os.kill(scribe, signal.SIGCONT)
    assert [number_of(events.event()) for _ in range(2 * BATCH)] == list(range(2 * BATCH))
    assert reeved.stop() == 0
