"""The life of programs: what becomes of them when they end, how often they are tried, how they are stopped.

A story is what the log says of one program, in order, in short words. Both supervisors must tell the same one.
"""
import os
import re
import signal
import time

import pytest
import watching

CHAPTERS = [
    (r"spawned: '%s' with pid \d+$", "spawned"),
    (r"success: %s entered RUNNING state", "up"),
    (r"spawnerr: ", "spawnerr"),
    (r"exited: %s \(exit status (\d+); expected\)$", "exited {}"),
    (r"exited: %s \(exit status (\d+); not expected\)$", "exited {}!"),
    (r"exited: %s \(terminated by (\w+)(?: \(core dumped\))?; not expected\)$", "exited {}!"),
    (r"gave up: %s entered FATAL state, too many start retries too quickly$", "gave up"),
    (r"killing '%s' \(\d+\) with SIGKILL$", "killing"),
    (r"stopped: %s \(exit status (\d+)\)$", "stopped {}"),
    (r"stopped: %s \(terminated by (\w+)\)$", "stopped {}"),
]


def story(supervisor, name):
    told = []
    for line in supervisor.lines.lines:
        for pattern, word in CHAPTERS:
            match = re.search(pattern % re.escape(name) if "%" in pattern else pattern, line)
            if match:
                told.append(word.format(*match.groups()))
    return told


def told_of(supervisor, name, keys):
    """Its story; but with startsecs=0 it is chance whether supervisord says of what ends at once that it was up."""
    return [word for word in story(supervisor, name) if word != "up" or keys.get("startsecs") != 0]


def program(name, command, **keys):
    return "[program:%s]\ncommand = %s\n" % (name, command) + "".join("%s = %s\n" % item for item in keys.items())


# ---- ending ----

ENDS = {  # name: (command, keys, story)
    "early-ok": ("/bin/true", dict(startsecs=1000, startretries=0), ["spawned", "exited 0!", "gave up"]),
    "early": ("/bin/false", dict(startsecs=1000, startretries=0), ["spawned", "exited 1!", "gave up"]),
    "early-always": ("/bin/sh -c 'exit 7'", dict(startsecs=1000, startretries=0, autorestart="true", exitcodes=7),
                     ["spawned", "exited 7!", "gave up"]),
    "early-signal": ("/bin/sh -c 'kill -KILL $$'", dict(startsecs=1000, startretries=0), ["spawned", "exited SIGKILL!", "gave up"]),
    "retried": ("/bin/false", dict(startsecs=1000, startretries=1), ["spawned", "exited 1!"] * 2 + ["gave up"]),
    "at-once": ("/bin/true", dict(startsecs=0), ["spawned", "exited 0"]),
    "listed": ("/bin/sh -c 'exit 4'", dict(startsecs=0, exitcodes="3,4"), ["spawned", "exited 4"]),
    "never": ("/bin/sh -c 'exit 1'", dict(startsecs=0, autorestart="false"), ["spawned", "exited 1!"]),
    "never-signal": ("/bin/sh -c 'kill -TERM $$'", dict(startsecs=0, autorestart="false"), ["spawned", "exited SIGTERM!"]),
    "stayed": ("/bin/sh -c 'read go < {dir}/go; exit 0'", dict(startsecs=1), ["spawned", "up", "exited 0"]),
    "not-begun": ("/bin/true", dict(autostart="false"), []),
}


def test_ends_of_programs_that_stay_ended(supervisor):
    os.mkfifo(supervisor.dir / "go")
    supervisor.start("".join(program(name, command, **keys) for name, (command, keys, _) in ENDS.items()))
    supervisor.wait_line("gave up: retried")
    supervisor.wait_running("stayed")
    (supervisor.dir / "go").write_text("on\n")
    supervisor.wait_line("exited: stayed")
    assert supervisor.stop() == 0
    assert {name: told_of(supervisor, name, keys) for name, (_, keys, _) in ENDS.items()} == {
        name: told for name, (_, _, told) in ENDS.items()}
    if supervisor.is_ours:  # whoever ends a life that nobody asked to stop is told in WARN, but where it was expected
        for line in supervisor.lines.lines:
            assert ("WARN" in line) == bool(re.search("not expected|exit request", line)) or "exited" not in line


COMES_AGAIN = {
    "unlisted": ("/bin/sh -c 'exit 1'", dict(startsecs=0), ["spawned", "exited 1!"]),
    "always": ("/bin/true", dict(startsecs=0, autorestart="true"), ["spawned", "exited 0"]),
    "none-expected": ("/bin/true", dict(startsecs=0, exitcodes=""), ["spawned", "exited 0!"]),
    "signal": ("/bin/sh -c 'kill -INT $$'", dict(startsecs=0, exitcodes="2,130"), ["spawned", "exited SIGINT!"]),
    "signal-expected": ("/bin/sh -c 'kill -HUP $$'", dict(startsecs=0, autorestart="true"), ["spawned", "exited SIGHUP!"]),
}


def test_ends_of_programs_that_come_again(supervisor):
    """They are started again at once, without end; by ours not more often than once a second."""
    begun = time.time()  # whoever is held up makes it later only
    supervisor.start("".join(program(name, command, **keys) for name, (command, keys, _) in COMES_AGAIN.items()))
    for name in COMES_AGAIN:
        first, _ = supervisor.wait_line("exited: %s" % name)
        second, _ = supervisor.wait_line("exited: %s" % name, after=first + 1)
        starts = [supervisor.time_of(number) for number, line in enumerate(supervisor.lines.lines) if "spawned: '%s'" % name in line]
        assert all(start - begun > (number - 0.1 if supervisor.is_ours else 0) for number, start in enumerate(starts)), starts
    assert supervisor.stop() == 0
    for name, (_, keys, told) in COMES_AGAIN.items():
        assert told_of(supervisor, name, keys)[:4] == told * 2, name


def test_waits_between_retries_grow_by_a_second(supervisor):
    begun = time.time()
    supervisor.start(program("x", "/bin/false", startsecs=1000, startretries=2))
    supervisor.wait_line("gave up: x")
    assert supervisor.stop() == 0
    assert story(supervisor, "x") == ["spawned", "exited 1!"] * 3 + ["gave up"]
    starts = [supervisor.time_of(number) - begun for number, line in enumerate(supervisor.lines.lines) if "spawned: 'x'" in line]
    assert starts[1] > 0.9 and starts[2] > 1 + 1.9, starts  # how much later it may be on a busy machine, nobody can say


def test_startsecs_is_the_time_until_it_counts_as_up(supervisor):
    begun = time.time()
    supervisor.start(program("now", "sleep 1000", startsecs=0) + program("later", "sleep 1000", startsecs=2))
    supervisor.wait_running("now")
    later = supervisor.wait_running("later")
    _, match = supervisor.wait_line("success: later .*> than (.*) seconds")
    assert match[1] == "2"
    assert supervisor.time_of(later) - begun > 1.9
    assert supervisor.stop() == 0


def test_a_program_that_was_up_has_all_its_retries_again(supervisor):
    """It fails once, is up, and ends: the next failure is the first one."""
    (supervisor.dir / "turn").write_text("0\n")
    supervisor.start(program("x", "/bin/sh -c 'read turn < {dir}/turn; echo $((turn + 1)) > {dir}/turn; case $turn in 1) exec sleep 1000;; "
                                  "*) exit 9;; esac'", startsecs=5, startretries=1))
    supervisor.wait_running("x")
    os.kill(int(supervisor.lines.matching(r"spawned: 'x' with pid (\d+)")[-1][1]), signal.SIGKILL)
    supervisor.wait_line("gave up: x")
    assert supervisor.stop() == 0
    assert story(supervisor, "x") == ["spawned", "exited 9!", "spawned", "up", "exited SIGKILL!", "spawned", "exited 9!", "spawned",
                                      "exited 9!", "gave up"]


# ---- stopping ----

def trapping(names, then):
    """A shell that says it is ready, and answers signals. It waits for its input, which never comes."""
    return "/bin/sh -c 'trap \"%s\" %s; echo up > {dir}/reports; read x; exit 99'" % (then, names)


def test_the_stop_signal_and_the_last_word(supervisor, reports):
    programs = {
        "usr": (trapping("USR1", "exit 0"), dict(stopsignal="USR1"), ["stopped 0"]),
        "sigint": (trapping("INT", "exit 5"), dict(stopsignal="SIGINT"), ["stopped 5"]),
        "number": (trapping("HUP", "exit 0"), dict(stopsignal="1"), ["stopped 0"]),
        "plain": ("/bin/sh -c 'echo up > {dir}/reports; exec sleep 1000'", {}, ["stopped SIGTERM"]),
        "deaf": ("/bin/sh -c 'trap \"\" TERM; echo up > {dir}/reports; exec sleep 1000'", dict(stopwaitsecs=1),
                 ["killing", "stopped SIGKILL"]),
        "kill": (trapping("TERM", ":"), dict(stopsignal="KILL"), ["stopped SIGKILL"]),
    }
    text = "".join(program(name, command, startsecs=0, **keys)
                   for name, (command, keys, _) in programs.items())
    supervisor.start(text)
    for count in range(len(programs)):
        reports.wait("up", after=count)
    assert supervisor.stop() == 0
    assert {name: story(supervisor, name)[-len(told):] for name, (_, _, told) in programs.items()} == {
        name: told for name, (_, _, told) in programs.items()}
    assert [match[1] for match in supervisor.lines.matching(r"(\w+) stopped: (?:usr|number)")] == ["INFO"] * 2
    assert {match[1] for match in supervisor.lines.matching(r"(\w+) stopped: (?:sigint|plain|deaf|kill)")} == {"WARN"}


FAMILY = "/bin/sh -c '%ssleep 1000 & echo {name} $! > {dir}/reports; %s'"


@pytest.mark.parametrize("keys, survives", [
    (dict(), True),
    (dict(stopasgroup="true"), False),
    (dict(killasgroup="true"), True),  # only the stop signal was sent
])
def test_stop_as_group_reaches_what_the_program_started(supervisor, reports, keys, survives):
    supervisor.start(program("x", FAMILY.replace("{name}", "x") % ("", "wait"), startsecs=0, **keys))
    grandchild = int(reports.wait(r"x (\d+)")[1][1])
    assert supervisor.stop() == 0
    assert story(supervisor, "x")[-1] == "stopped SIGTERM"
    if survives:
        os.kill(grandchild, signal.SIGKILL)
    watching.wait_end(grandchild)


@pytest.mark.parametrize("keys, survives", [(dict(), True), (dict(killasgroup="true"), False), (dict(stopasgroup="true"), False)])
def test_kill_as_group_reaches_what_the_program_started(supervisor, reports, keys, survives):
    supervisor.start(program("x", FAMILY.replace("{name}", "x") % ('trap "" TERM; ', "while :; do wait; done"), startsecs=0,
                             stopwaitsecs=1, **keys))
    grandchild = int(reports.wait(r"x (\d+)")[1][1])
    assert supervisor.stop() == 0
    assert story(supervisor, "x")[-2:] == ["killing", "stopped SIGKILL"]
    if survives:
        os.kill(grandchild, signal.SIGKILL)
    watching.wait_end(grandchild)


def test_a_program_is_stopped_before_it_counts_as_up(supervisor, reports):
    supervisor.start(program("x", "/bin/sh -c 'echo up > {dir}/reports; exec sleep 1000'", startsecs=1000))
    reports.wait("up")
    assert supervisor.stop() == 0
    assert story(supervisor, "x") == ["spawned", "stopped SIGTERM"]


# ---- the order of all ----


def test_starts_are_in_order_of_priority_and_stops_the_other_way_round(supervisor, reports):
    """Groups by priority, then by name; processes in their group by priority."""
    def one(name, priority):
        return program(name, trapping("TERM", "echo %s > {dir}/reports; exit 0" % name), startsecs=0, priority=priority)
    supervisor.start(one("z", 5) + one("late", 2000) + one("m2", 2) + one("m1", 1) + one("a", 5) + one("first", -1) +
                     "[group:mid]\nprograms = m1, m2\npriority = 7\n")
    order = ["first", "a", "z", "m1", "m2", "late"]
    for count in range(len(order)):
        reports.wait("up", after=count)
    assert supervisor.stop() == 0
    assert [match[1] for match in supervisor.lines.matching(r"spawned: '(\w+)'")] == order
    while reports.read(0):
        pass
    stops = [line for line in reports.lines if line != "up"]
    if supervisor.is_ours:  # those of one priority stop together
        assert [sorted(stops[:1]), sorted(stops[1:3]), sorted(stops[3:5]), sorted(stops[5:])] == [
            ["late"], ["m1", "m2"], ["a", "z"], ["first"]]
    else:
        assert stops[:1] + sorted(stops[1:3]) + stops[3:] == ["late", "m1", "m2", "z", "a", "first"]


def test_processes_of_a_group_start_by_priority(reeved):
    """As supervisord's manual has it; supervisord itself takes them as they are listed."""
    reeved.start("".join(program(name, "sleep 1000", startsecs=0, priority=priority) for name, priority in [("a", 3), ("b", 1), ("c", 2)]) +
                 "[group:g]\nprograms = a, b, c\n")
    reeved.wait_running("a")
    assert reeved.stop() == 0
    assert [match[1] for match in reeved.lines.matching(r"spawned: '(\w+)'")] == ["b", "c", "a"]


def test_the_next_group_is_stopped_when_the_one_before_has_ended(supervisor, reports):
    supervisor.start(program("deaf", "/bin/sh -c 'trap \"\" TERM; echo up > {dir}/reports; exec sleep 1000'", startsecs=0, stopwaitsecs=1,
                             priority=2) + program("patient", trapping("TERM", "exit 0"), startsecs=0, priority=1))
    reports.wait("up")
    reports.wait("up", after=1)
    assert supervisor.stop() == 0
    killed, _ = supervisor.wait_line("killing 'deaf'")
    assert killed < supervisor.wait_line("stopped: deaf")[0] < supervisor.wait_line("stopped: patient")[0]
    assert supervisor.lines.matching("waiting for (.*) to die")[0][1] in ("patient, deaf", "deaf, patient")


def test_a_program_that_waits_for_a_retry_is_not_tried_while_all_ends(supervisor, reports):
    supervisor.start(program("fails", "/bin/false", startsecs=5, startretries=100, priority=1) +
                     program("deaf", "/bin/sh -c 'trap \"\" TERM; echo up > {dir}/reports; exec sleep 1000'", startsecs=0,
                             stopwaitsecs=3, priority=2))
    reports.wait("up")
    supervisor.wait_line("exited: fails")
    assert supervisor.stop() == 0
    after = supervisor.wait_line("exit request")[0]
    assert not [line for line in supervisor.lines.lines[after:] if "spawned" in line]


def test_what_ends_by_itself_while_all_ends_is_not_started_again(supervisor, reports):
    supervisor.start(program("brief", "/bin/sh -c 'echo brief $$ > {dir}/reports; exec sleep 1000'", startsecs=0, priority=1,
                             autorestart="true") +
                     program("deaf", "/bin/sh -c 'trap \"\" TERM; echo deaf $$ > {dir}/reports; exec sleep 1000'", startsecs=0,
                             stopwaitsecs=1000, priority=2))
    deaf = int(reports.wait(r"deaf (\d+)")[1][1])
    pid = int(reports.wait(r"brief (\d+)")[1][1])
    supervisor.wait_running("brief")
    supervisor.send(signal.SIGTERM)
    supervisor.wait_line("exit request")
    os.kill(pid, signal.SIGKILL)
    supervisor.wait_line("exited: brief")
    os.kill(deaf, signal.SIGKILL)
    assert supervisor.wait() == 0
    assert story(supervisor, "brief") == ["spawned", "up", "exited SIGKILL!"]


# ---- several of one program, groups ----


def test_numprocs_and_groups(supervisor, reports):
    """The names, and what each process is told of itself."""
    supervisor.start("""
[program:w]
command = /bin/sh -c 'echo %%(process_num)d %%(program_name)s %%(group_name)s $SUPERVISOR_PROCESS_NAME $SUPERVISOR_GROUP_NAME > {dir}/reports; exec sleep 1000'
process_name = %%(program_name)s-%%(process_num)02d
numprocs = 3
numprocs_start = 7
startsecs = 0
[program:none]
command = cat
process_name = %%(process_num)d
numprocs = 0
[program:solo]
command = /bin/sh -c 'echo - %%(program_name)s %%(group_name)s $SUPERVISOR_PROCESS_NAME $SUPERVISOR_GROUP_NAME > {dir}/reports; exec sleep 1000'
startsecs = 0
[group:g]
programs = w, solo
""".replace("%%", "%"))
    for count in range(4):
        reports.wait("sleep|w|solo", after=count)
    assert sorted(reports.lines) == ["- solo g solo g"] + ["%d w g w-%02d g" % (i, i) for i in (7, 8, 9)]
    assert supervisor.stop() == 0
    assert {match[1] for match in supervisor.lines.matching("spawned: '(.*)'")} == {"w-07", "w-08", "w-09", "solo"}
