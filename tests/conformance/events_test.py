"""Event listeners: what they are told, in which words and order, and what follows from what they answer."""
import json
import os
import re
import signal
import sys

import api
import listening
import pytest
import watching

BEGIN, END = "<!--XSUPERVISOR:BEGIN-->", "<!--XSUPERVISOR:END-->"


@pytest.fixture
def events(reports):
    return listening.Events(reports)


@pytest.fixture
def go(tmp_path):
    fifo = listening.Go(tmp_path / "go")
    yield fifo
    fifo.close()


def writer(name, code, **keys):
    """A program that runs `code`, in which w(text) writes it at once, and then waits for its end."""
    text = "import os, sys, signal; w = lambda t, fd=1: os.write(fd, t if isinstance(t, bytes) else t.encode())\n" + code
    keys = dict(dict(startsecs=0, autorestart="false"), **keys)
    return ("[program:%s]\ncommand = %s {dir}/%s.py\n" % (name, sys.executable, name) + "".join("%s = %s\n" % item for item in keys.items()), text)


def stubborn(name):
    """A program that, asked to end, waits for a byte from the FIFO `go`; it has said so in its log when it is up."""
    return writer(name, "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); w('up')\nsignal.sigwait([signal.SIGTERM])\n"
                  "os.read(os.open(sys.argv[0][:-%d] + 'go', os.O_RDONLY), 1)" % len(name + ".py"), stopwaitsecs=1000,
                  stdout_logfile="{dir}/%s.log" % name)


def wait_up(supervisor, name):
    watching.wait_file(supervisor.dir / (name + ".log"), lambda data: data == b"up")


def start(supervisor, *parts, **options):
    """Start with the sections; a part that is a pair is a writer."""
    text = ""
    for part in parts:
        if isinstance(part, tuple):
            name = re.match(r"\[program:(\w+)\]", part[0])[1]
            (supervisor.dir / (name + ".py")).write_text(part[1])
            part = part[0]
        text += part
    return supervisor.start(text, **options)


def told(event):
    return event["head"]["eventname"], event["data"]


# ---- what is told ----


def test_the_life_of_a_program(supervisor, events):
    """Every state that a program enters, with what belongs to it."""
    start(supervisor, listening.section("PROCESS_STATE"),
          "[program:a]\ncommand = /bin/sh -c 'exit 3'\nstartsecs = 60\nstartretries = 1\n")
    found = []
    while not found or found[-1][0] != "PROCESS_STATE_FATAL":
        event = events.event()
        if "processname:a " in event["data"]:
            found.append(told(event))
    about = "processname:a groupname:a from_state:"
    assert found == [
        ("PROCESS_STATE_STARTING", about + "STOPPED tries:0"),
        ("PROCESS_STATE_BACKOFF", about + "STARTING tries:1"),
        ("PROCESS_STATE_STARTING", about + "BACKOFF tries:1"),
        ("PROCESS_STATE_BACKOFF", about + "STARTING tries:2"),
        ("PROCESS_STATE_FATAL", about + "BACKOFF"),
    ]
    assert supervisor.stop() == 0


def test_exits_and_stops(supervisor, events, go):
    """Expected and unexpected exits, with the pid that there was."""
    start(supervisor, listening.section("PROCESS_STATE_EXITED,PROCESS_STATE_RUNNING,PROCESS_STATE_STOPPED,PROCESS_STATE_STOPPING"),
          "[program:good]\ncommand = /bin/sleep 2\nstartsecs = 1\nautorestart = false\n"
          "[program:bad]\ncommand = /bin/sh -c 'sleep 2; exit 7'\nstartsecs = 1\nautorestart = false\n", stubborn("stays"))
    pids = {name: int(supervisor.wait_line(r"spawned: '%s' with pid (\d+)" % name)[1][1]) for name in ("good", "bad", "stays")}
    about = {name: "processname:%s groupname:%s from_state:%%s" % (name, name) for name in pids}
    found = []
    while sum(name == "PROCESS_STATE_EXITED" for name, _ in found) < 2:
        found.append(told(events.event()))
    wait_up(supervisor, "stays")
    supervisor.send(signal.SIGTERM)
    found.append(told(events.find("PROCESS_STATE_STOPPING", "processname:stays ")))
    go.go()
    assert ("PROCESS_STATE_EXITED", about["good"] % "RUNNING" + " expected:1 pid:%d" % pids["good"]) in found
    assert ("PROCESS_STATE_EXITED", about["bad"] % "RUNNING" + " expected:0 pid:%d" % pids["bad"]) in found
    for name, pid in pids.items():
        assert ("PROCESS_STATE_RUNNING", about[name] % "STARTING" + " pid:%d" % pid) in found
    assert ("PROCESS_STATE_STOPPING", about["stays"] % "RUNNING" + " pid:%d" % pids["stays"]) in found
    assert supervisor.wait() == 0


def test_the_beginning(supervisor, events):
    """Groups are added, then it runs, then processes start; all that is numbered from 0, by the pool and by all."""
    start(supervisor, listening.section("EVENT"), "[program:a]\ncommand = /bin/sleep 1000\nstartsecs = 0\n")
    first = [events.event() for _ in range(5)]
    assert [told(event) for event in first[:4]] == [
        ("PROCESS_GROUP_ADDED", "groupname:l\n"), ("PROCESS_GROUP_ADDED", "groupname:a\n"),
        ("SUPERVISOR_STATE_CHANGE_RUNNING", ""), ("PROCESS_STATE_STARTING", "processname:l groupname:l from_state:STOPPED tries:0")]
    for number, event in enumerate(first):
        head = dict(event["head"])
        assert int(head.pop("len")) == event["size"]
        assert head.pop("eventname")
        assert head == {"ver": "3.0", "server": "supervisor", "serial": str(number), "pool": "l", "poolserial": str(number)}
    assert supervisor.stop() == 0


def test_the_end(supervisor, events, go):
    """That all is to stop is told before anything stops; a listener outlives the others."""
    start(supervisor, listening.section("SUPERVISOR_STATE_CHANGE_STOPPING,PROCESS_STATE_STOPPING"), stubborn("a"))
    supervisor.wait_running("l")
    wait_up(supervisor, "a")
    supervisor.send(signal.SIGTERM)
    assert told(events.event()) == ("SUPERVISOR_STATE_CHANGE_STOPPING", "")
    assert events.event()["data"].startswith("processname:a groupname:a from_state:RUNNING pid:")
    go.go()
    assert supervisor.wait() == 0


def test_ticks(supervisor, events):
    start(supervisor, listening.section("TICK_5"))
    name, data = told(events.event())
    assert name == "TICK_5" and re.fullmatch(r"when:\d+", data) and int(data[5:]) % 5 == 0
    assert supervisor.stop() == 0


def test_groups_and_names(supervisor, events):
    start(supervisor, listening.section("PROCESS_STATE_STARTING"),
          "[group:g]\nprograms = a\n[program:a]\ncommand = /bin/sleep 1000\nprocess_name = a_%(process_num)d\nnumprocs = 2\n")
    found = {events.find("PROCESS_STATE_STARTING", "groupname:g")["data"] for _ in range(2)}
    assert found == {"processname:a_%d groupname:g from_state:STOPPED tries:0" % n for n in range(2)}
    assert supervisor.stop() == 0


def test_what_clients_say(supervisor, events):
    """sendRemoteCommEvent: any type, any text."""
    start(supervisor, listening.section("REMOTE_COMMUNICATION"))
    with api.Client(supervisor.dir / "supervisor.sock") as client:
        assert client.supervisor.sendRemoteCommEvent("a type", "some text, é\n") is True
        assert client.supervisor.sendRemoteCommEvent("", "") is True
    first, second = events.event(), events.event()
    assert told(first) == ("REMOTE_COMMUNICATION", "type:a type\nsome text, é\n")
    assert int(first["head"]["len"]) == len("type:a type\nsome text, é\n")
    assert told(second) == ("REMOTE_COMMUNICATION", "type:\n")
    assert supervisor.stop() == 0


def test_groups_that_come_and_go(supervisor, events):
    """Also a group of listeners, which then hears what follows."""
    start(supervisor, listening.section("PROCESS_GROUP"))
    assert told(events.event()) == ("PROCESS_GROUP_ADDED", "groupname:l\n")
    conf = supervisor.conf.read_text()
    more = listening.section("PROCESS_GROUP", name="m").replace("{dir}", str(supervisor.dir))
    supervisor.conf.write_text(conf + "[program:a]\ncommand = /bin/sleep 1000\n" + more)
    with api.Client(supervisor.dir / "supervisor.sock") as client:
        client.supervisor.reloadConfig()
        for name in "ma":
            assert client.supervisor.addProcessGroup(name) is True
        found = sorted((event["head"]["pool"], *told(event)) for event in (events.event() for _ in range(4)))
        assert found == [("l", "PROCESS_GROUP_ADDED", "groupname:a\n"), ("l", "PROCESS_GROUP_ADDED", "groupname:m\n"),
                         ("m", "PROCESS_GROUP_ADDED", "groupname:a\n"), ("m", "PROCESS_GROUP_ADDED", "groupname:m\n")]
        for name in "ma":
            client.supervisor.stopProcessGroup(name)
            assert client.supervisor.removeProcessGroup(name) is True
            event = events.event()
            assert (event["head"]["pool"], *told(event)) == ("l", "PROCESS_GROUP_REMOVED", "groupname:%s\n" % name)
    assert supervisor.stop() == 0


# ---- what programs write ----


def test_output(supervisor, events, reports):
    """Each piece of output, of those programs that are to tell of it."""
    start(supervisor, listening.section("PROCESS_LOG"),
          writer("a", "w('héllo\\n'); w('oops', 2); w(b'\\xff\\n\\'', 2)\nsignal.pause()", stdout_events_enabled="true", stderr_events_enabled="true"),
          writer("b", "w('quiet')\nsignal.pause()"))
    _, pid = supervisor.wait_spawned("a")
    about = "processname:a groupname:a pid:%d channel:" % pid
    out, err = events.find("PROCESS_LOG_STDOUT"), ""
    assert out["data"] == about + "stdout\nhéllo\n" and int(out["head"]["len"]) == len(out["data"])
    while "xff" not in err:
        data = events.find("PROCESS_LOG_STDERR")["data"]
        assert data.startswith(about + "stderr\n")
        err += data.partition("\n")[2]
    assert err in ("oopsUndecodable: b\"\\xff\\n'\"", "Undecodable: b\"oops\\xff\\n'\"")
    assert supervisor.stop() == 0


def test_a_capture(supervisor, events, go):
    """What is between the marks, however they are cut, is told and not logged."""
    start(supervisor, listening.section("PROCESS_COMMUNICATION"),
          writer("a", "g = open(sys.argv[0][:-4] + 'go')\n"
                 "for t in ('one <!--XSUPER', 'VISOR:BEGIN-->mess', 'age<!--XSUPERVISOR:EN', 'D-->two\\n' + '.' * 30 + '\\n'): w(t); g.readline()\n"
                 "w('%s%s\\n%s\\n')\nsignal.pause()" % (BEGIN, "x" * 40, END + "." * 30), stdout_capture_maxbytes="1KB",
                 stdout_logfile="{dir}/a.log"))
    _, pid = supervisor.wait_spawned("a")
    go.go(4)
    assert told(events.event()) == ("PROCESS_COMMUNICATION_STDOUT", "processname:a groupname:a pid:%d\nmessage" % pid)
    assert events.event()["data"].endswith("\n" + "x" * 40 + "\n")
    log = watching.wait_file(supervisor.dir / "a.log", lambda data: data.count(b"." * 30) == 2)
    assert log == b"one two\n" + b"." * 30 + b"\n" + b"." * 30 + b"\n"
    assert supervisor.stop() == 0


def test_a_capture_of_standard_error(supervisor, events):
    start(supervisor, listening.section("PROCESS_COMMUNICATION_STDERR"),
          writer("a", "w('%sa%s%s', 2)\nsignal.pause()" % (BEGIN, END, "." * 30), stderr_capture_maxbytes=100))
    name, data = told(events.event())
    assert name == "PROCESS_COMMUNICATION_STDERR" and data.endswith("\na")
    assert supervisor.stop() == 0


def test_a_capture_ends_with_its_process(supervisor, events):
    """What another process writes is not part of it."""
    start(supervisor, listening.section("PROCESS_COMMUNICATION"),
          writer("a", "import pathlib; p = pathlib.Path(sys.argv[0] + '.again')\n"
                 "if p.exists(): w('%sb%s%s'); signal.pause()\n"
                 "p.touch(); w('%s' + 'lost' * 20)" % (BEGIN, END, "." * 30, BEGIN), stdout_capture_maxbytes=1000, autorestart="true"))
    assert events.event()["data"].endswith("\nb")
    assert supervisor.stop() == 0


def test_a_long_event(supervisor, events):
    """Longer than any pipe."""
    start(supervisor, listening.section("PROCESS_COMMUNICATION"),
          writer("a", "w('%s'); [w('x' * 10000) for _ in range(30)]; w('%s%s')\nsignal.pause()" % (BEGIN, END, "." * 30), stdout_capture_maxbytes="1MB"))
    event = events.event()
    assert event["size"] == int(event["head"]["len"]) == event["data"].index("\n") + 1 + 300000
    assert supervisor.stop() == 0


# ---- what listeners answer ----


def test_a_rejected_event_comes_again(supervisor, events):
    """At once, and before those that wait behind it."""
    start(supervisor, listening.section("PROCESS_STATE_STARTING", options="--answers=FAIL,FAIL,OK"),
          "[program:a]\ncommand = /bin/sleep 1000\n[program:b]\ncommand = /bin/sleep 1000\n")
    found = [events.event() for _ in range(5)]
    assert [event["head"]["poolserial"] for event in found] == ["0", "0", "0", "1", "2"]
    assert len({(event["head"]["serial"], event["data"]) for event in found[:3]}) == 1
    supervisor.wait_line(r"WARN l: event was rejected")
    assert supervisor.stop() == 0


def test_answers_byte_by_byte(supervisor, events):
    start(supervisor, listening.section("PROCESS_STATE_STARTING", options="--pieces --answers=FAIL,OK"),
          "[program:a]\ncommand = /bin/sleep 1000\n")
    assert [events.event()["head"]["poolserial"] for _ in range(3)] == ["0", "0", "1"]
    assert supervisor.stop() == 0


@pytest.mark.parametrize("answer, word", [("RESULT two\\n", r"WARN l: bad result line: 'RESULT two'"), ("\\n", r"WARN l: bad result line: ''"),
                                          ("RESULT 2\\nOKx\\nREADY\\n", None)])
def test_nonsense(supervisor, events, answer, word):
    """One who talks nonsense gets no more, until it is started again; its event goes to another."""
    start(supervisor, listening.section("PROCESS_STATE_STARTING", options="'--answers=%s'" % answer), "[program:a]\ncommand = /bin/sleep 1000\n")
    first = events.event()
    if word:
        supervisor.wait_line(word)
    supervisor.wait_line(r"WARN l: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process "
                         r"violated the eventlistener protocol$")
    os.kill(first["pid"], signal.SIGKILL)
    again = events.event()
    assert again["pid"] != first["pid"]
    assert (again["head"] == first["head"]) == bool(word)
    assert supervisor.stop() == 0


def test_too_many_events(supervisor, events, go):
    """The oldest goes first."""
    start(supervisor, listening.section("PROCESS_STATE_STARTING", options="--go={dir}/go", buffer_size=2),
          "".join("[program:p%d]\ncommand = /bin/sleep 1000\n" % n for n in range(4)))
    for serial in range(3):
        supervisor.wait_line(r"ERRO pool l event buffer overflowed, discarding event %d$" % serial)
    go.go(10)
    assert [events.event()["head"]["serial"] for _ in range(2)] == ["3", "4"]
    assert supervisor.stop() == 0


def test_a_listener_that_dies_with_an_event(supervisor, events, go):
    """The event is told again, first, when it is there again."""
    start(supervisor, listening.section("PROCESS_STATE_STARTING", options="--go={dir}/go"), "[program:a]\ncommand = /bin/sleep 1000\n")
    go.go()
    first = events.event()
    os.kill(first["pid"], signal.SIGKILL)
    watching.wait_end(first["pid"])
    go.go(10)
    again = events.event()
    assert again["pid"] != first["pid"] and again["head"] == first["head"] and again["data"] == first["data"]
    assert int(events.event()["head"]["poolserial"]) == 1
    assert supervisor.stop() == 0


def test_several_listeners_share(supervisor, events, go):
    """Each event goes to one of them, and one that is busy holds up nobody."""
    start(supervisor, listening.section("PROCESS_STATE_STARTING", options="--go={dir}/go --at-once", numprocs=2, process_name="l%(process_num)d"),
          "[program:a]\ncommand = /bin/sleep 1000\n[program:b]\ncommand = /bin/sleep 1000\n")
    first = [events.event() for _ in range(2)]
    assert len({event["pid"] for event in first}) == 2
    go.go(10)
    found = first + [events.event() for _ in range(2)]
    assert sorted(int(event["head"]["poolserial"]) for event in found) == [0, 1, 2, 3]
    assert supervisor.stop() == 0


def test_two_pools(supervisor, events):
    """Each has its own numbers; the serial is one's own of the event."""
    start(supervisor, listening.section("PROCESS_STATE_STARTING", name="m"), listening.section("PROCESS_STATE_STARTING", name="n"),
          "[program:a]\ncommand = /bin/sleep 1000\n")
    found = [events.event() for _ in range(6)]
    for pool in "mn":
        mine = [event["head"] for event in found if event["head"]["pool"] == pool]
        assert [head["poolserial"] for head in mine] == ["0", "1", "2"]
        assert [head["serial"] for head in mine] == ["0", "1", "2"]
    assert supervisor.stop() == 0


def test_one_who_never_reads(supervisor, events):
    """Its event waits in a full pipe; everything else goes on."""
    start(supervisor, "[eventlistener:deaf]\ncommand = /bin/sh -c 'echo READY; exec sleep 1000'\nevents = PROCESS_COMMUNICATION\nstartsecs = 0\n",
          listening.section("PROCESS_COMMUNICATION"),
          writer("a", "for n in range(3): w('%s' + 'x' * 90000 + '%s%s')\nsignal.pause()" % (BEGIN, END, "." * 30), stdout_capture_maxbytes="1MB"))
    for _ in range(3):
        assert events.event()["size"] > 90000
    assert supervisor.stop() == 0


def test_what_a_listener_says_is_logged(supervisor, events):
    start(supervisor, listening.section("PROCESS_STATE_STARTING", stdout_logfile="{dir}/l.log"))
    events.event()
    watching.wait_file(supervisor.dir / "l.log", lambda data: data == b"READY\nRESULT 2\nOKREADY\n")
    assert supervisor.stop() == 0


def test_one_that_is_never_ready_is_stopped(supervisor):
    start(supervisor, "[eventlistener:l]\ncommand = /bin/sleep 1000\nevents = EVENT\nstartsecs = 0\n")
    supervisor.wait_running("l")
    assert supervisor.stop() == 0


# ---- where reeve decided otherwise ----


def test_asked_for_twice_told_once(reeved, events):
    """By a name and by one that includes it; supervisord tells it twice, with one serial number."""
    start(reeved, listening.section("EVENT,PROCESS_STATE,PROCESS_STATE_STARTING"), "[program:a]\ncommand = /bin/sleep 1000\n")
    reeved.wait_running("a")
    events.find("PROCESS_STATE_RUNNING", "processname:a ")
    serials = [line["head"]["serial"] for line in map(json.loads, events.reports.lines) if "head" in line]
    assert len(serials) == len(set(serials))
    assert reeved.stop() == 0


def test_an_empty_result_is_acted_on(reeved, events):
    """supervisord waits for another byte."""
    start(reeved, listening.section("PROCESS_STATE_STARTING", options="--answers=,OK"))
    assert [events.event()["head"]["serial"] for _ in range(2)] == ["0", "0"]
    reeved.wait_line(r"WARN l: event was rejected")
    assert reeved.stop() == 0


def test_lengths_in_bytes(reeved, events):
    """Characters are what Python reads; other languages read bytes."""
    start(reeved, listening.section("PROCESS_COMMUNICATION", options="--bytes", event_length="bytes"),
          writer("a", "w('%sé€%s')\nsignal.pause()" % (BEGIN, END), stdout_capture_maxbytes=100))
    event = events.event()
    assert event["data"].endswith("\né€") and event["size"] == len(event["data"].encode())
    assert reeved.stop() == 0


def test_a_short_capture_is_told_at_once(reeved, events):
    """supervisord keeps the last 24 bytes back, and loses them where there come no more."""
    start(reeved, listening.section("PROCESS_COMMUNICATION"),
          writer("a", "w('%sx%s'); w('tail')" % (BEGIN, END), stdout_capture_maxbytes=100, stdout_logfile="{dir}/a.log"))
    assert events.event()["data"].endswith("\nx")
    watching.wait_file(reeved.dir / "a.log", lambda data: data == b"tail")
    assert reeved.stop() == 0


def test_the_last_events_are_told(reeved, events):
    """At the end a listener is waited for while it has events; supervisord drops them."""
    start(reeved, listening.section("PROCESS_STATE_STOPPED,SUPERVISOR_STATE_CHANGE_RUNNING"),
          "".join("[program:p%d]\ncommand = /bin/sleep 1000\nstartsecs = 0\n" % n for n in range(5)))
    assert told(events.event()) == ("SUPERVISOR_STATE_CHANGE_RUNNING", "")
    for n in range(5):
        reeved.wait_running("p%d" % n)
    assert reeved.stop() == 0
    assert len(events.rest()) == 5


def test_supervisor_stdout(reeved, events):
    """The handler of that package is built in: what a listener answers with is shown on standard output."""
    listener = reeved.dir / "stdout.py"
    listener.write_text("import sys\nwhile True:\n    print('READY', flush=True)\n    line = sys.stdin.readline()\n    if not line: break\n"
                        "    data = sys.stdin.read(int(dict(w.split(':', 1) for w in line.split())['len']))\n"
                        "    print('RESULT %d\\n%s' % (len(data.encode()), data), end='', flush=True)\n")
    start(reeved, "[eventlistener:l]\ncommand = %s %s\nevents = PROCESS_LOG\nresult_handler = supervisor_stdout:event_handler\nstartsecs = 0\n"
          % (sys.executable, listener), writer("a", "w('one\\ntwo')\nsignal.pause()", stdout_events_enabled="true"))
    reeved.wait_line(r"^a stdout \| one$")
    reeved.wait_line(r"^a stdout \| two$")
    assert reeved.stop() == 0
