"""SIGKILL and SIGSTOP for each of reeved's own processes, in every order and at bad moments: programs go on."""
import itertools
import os
import re
import signal
import time

import pytest
import roles
import watching

COUNTER = """
[program:count]
command = /bin/sh -c 'n=0; while read go; do m=$((n + 500)); while [ $n -lt $m ]; do n=$((n + 1)); echo $n; done; done < {dir}/go'
startsecs = 0
stdout_logfile = {dir}/count.log
stdout_logfile_maxbytes = 0
autorestart = false
"""

SLEEPERS = """
[program:s]
command = /bin/sh -c 'echo start $$ > {dir}/reports; exec sleep 1000'
process_name = %(program_name)s%(process_num)02d
numprocs = 40
startsecs = 0
stdout_logfile = NONE
stderr_logfile = NONE
"""
ALL = 40


def kill_role(reeved, role, keeper=None):
    """Kill it, and wait for its successor's pid."""
    keeper = keeper or reeved.pid
    pid = roles.wait_pid_of(role, keeper)
    os.kill(pid, signal.SIGKILL)
    return roles.wait_pid_of(role, keeper, other_than=pid)


def pids_of(reports):
    while reports.read(0):
        pass
    return [int(match[1]) for match in reports.matching(r"start (\d+)")]


def wait_all_run(reeved, reports, count=ALL):
    """Each has started once and the board knows it; its pids."""
    for line in range(count):
        reports.wait(r"start \d+", after=line)
    limit = time.monotonic() + watching.LIMIT
    while len({text for state, text in roles.status_table(reeved)[1].values() if state == "RUNNING"}) != count:
        assert time.monotonic() < limit, roles.status_table(reeved)
        reeved.lines.read(0.1)  # the board wakes nobody who waits for it
    pids = pids_of(reports)
    assert len(set(pids)) == len(pids) == count
    told = {int(re.match(r"pid (\d+)", text)[1]) for _, text in roles.status_table(reeved)[1].values()}
    assert told == set(pids)
    return pids


def end(reeved, pids, number=signal.SIGTERM):
    assert reeved.stop(number) == 0
    for pid in pids:
        watching.wait_end(pid)


# ---- the core ----


def test_the_core_killed_again_and_again_while_many_programs_start(reeved, reports):
    reeved.start(SLEEPERS)
    for _ in range(5):
        if len(pids_of(reports)) < ALL:
            reports.wait("start", after=len(reports.lines))
        kill_role(reeved, "core")
    pids = wait_all_run(reeved, reports)
    end(reeved, pids)
    assert sorted(pids_of(reports)) == sorted(pids)


def test_the_core_killed_again_and_again_while_all_stops(reeved, reports):
    reeved.start(SLEEPERS)
    pids = wait_all_run(reeved, reports)
    reeved.send(signal.SIGTERM)
    for _ in range(3):
        pid = roles.pid_of("core", reeved.pid)
        if pid is None:
            break
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            break
    assert reeved.wait() == 0
    for pid in pids:
        watching.wait_end(pid)
    assert sorted(pids_of(reports)) == sorted(pids)


def test_the_core_killed_while_a_program_waits_for_its_retry(reeved):
    """The retries that it has had count."""
    reeved.start("[program:x]\ncommand = /bin/false\nstartsecs = 5\nstartretries = 2\n")
    line = 0
    for _ in range(2):
        line, _ = reeved.wait_line("exited: x", after=reeved.wait_line("spawned: 'x'", after=line)[0])
        kill_role(reeved, "core")
    reeved.wait_line("gave up: x")
    assert len(reeved.lines.matching("spawned: 'x'")) == 3
    end(reeved, [])


def test_exits_while_no_core_is_there_are_acted_on(reeved, reports):
    """Quick deaths make the keeper wait before it starts another: that is when programs end."""
    reeved.start("".join("[program:%s]\ncommand = /bin/sh -c 'trap \"exit %d\" USR1; echo start $$ > {dir}/reports; read x; exit 99'\n"
                         "startsecs = 0\nautorestart = %s\n" % it for it in [("good", 0, "unexpected"), ("bad", 3, "unexpected"),
                                                                             ("killed", 0, "false")]))
    for count in range(3):
        reports.wait("start", after=count)
    pids = {name: reeved.wait_spawned(name)[1] for name in ("good", "bad", "killed")}
    for _ in range(2):
        kill_role(reeved, "core")
    os.kill(roles.wait_pid_of("core", reeved.pid), signal.SIGKILL)
    os.kill(pids["good"], signal.SIGUSR1)
    os.kill(pids["bad"], signal.SIGUSR1)
    os.kill(pids["killed"], signal.SIGKILL)
    reeved.wait_line(r"exited: good \(exit status 0; expected\)")
    reeved.wait_line(r"exited: bad \(exit status 3; not expected\)")
    reeved.wait_line(r"exited: killed \(terminated by SIGKILL; not expected\)")
    reports.wait("start", after=3)
    reeved.wait_status("bad", "RUNNING")
    assert {name: state for name, (state, _) in roles.status_table(reeved)[1].items()} == {
        "good": "EXITED", "bad": "RUNNING", "killed": "EXITED"}
    assert len(pids_of(reports)) == 4
    end(reeved, [])


def test_the_core_killed_at_a_reload(reeved, reports):
    """The request survives it."""
    reeved.start("[program:old]\ncommand = /bin/sh -c 'echo start $$ > {dir}/reports; exec sleep 1000'\nstartsecs = 0\n")
    reports.wait("start")
    reeved.wait_running("old")
    reeved.conf.write_text(reeved.conf.read_text().replace("program:old", "program:new"))
    core = roles.wait_pid_of("core", reeved.pid)
    os.kill(core, signal.SIGSTOP)
    reeved.send(signal.SIGHUP)
    os.kill(core, signal.SIGKILL)
    reeved.wait_running("new")
    reports.wait("start", after=1)
    assert set(roles.status_table(reeved)[1]) == {"new"}
    assert len(pids_of(reports)) == 2
    end(reeved, pids_of(reports))


def test_a_core_that_is_stopped_keeps_nobody_from_looking_or_ending_later(reeved, reports):
    reeved.start(SLEEPERS.replace("40", "3"))
    pids = wait_all_run(reeved, reports, 3)
    core = roles.wait_pid_of("core", reeved.pid)
    os.kill(core, signal.SIGSTOP)
    os.kill(pids[0], signal.SIGKILL)
    assert [state for state, _ in roles.status_table(reeved)[1].values()] == ["RUNNING"] * 3  # as it was
    reeved.send(signal.SIGTERM)
    os.kill(core, signal.SIGCONT)
    assert reeved.wait() == 0
    for pid in pids:
        watching.wait_end(pid)


# ---- the scribe ----


@pytest.fixture
def go(tmp_path):
    path = tmp_path / "go"
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR)
    yield lambda: os.write(fd, b"go\n")
    os.close(fd)


def wait_count(reeved, last):
    """Every number up to this one is in the log, once, in order."""
    content = watching.wait_file(reeved.dir / "count.log", lambda content: content.endswith(b"\n%d\n" % last))
    assert content.split() == [b"%d" % i for i in range(1, last + 1)]


@pytest.mark.parametrize("victims", [["scribe"], ["core"], ["scribe", "core"], ["core", "scribe"]])
def test_no_line_is_lost_or_doubled_when_roles_are_killed(reeved, go, victims):
    reeved.start(COUNTER)
    _, pid = reeved.wait_spawned("count")
    for turn in range(1, 9):
        go()
        for role in victims:
            kill_role(reeved, role)
        go()
        wait_count(reeved, turn * 1000)
    assert reeved.wait_spawned("count")[1] == pid
    os.kill(pid, 0)
    end(reeved, [pid])


def test_a_scribe_that_is_stopped_holds_up_no_start_and_no_end(reeved, reports):
    reeved.start(SLEEPERS.replace("40", "3"))
    wait_all_run(reeved, reports, 3)
    scribe = roles.wait_pid_of("scribe", reeved.pid)
    os.kill(scribe, signal.SIGSTOP)
    before = pids_of(reports)
    os.kill(before[0], signal.SIGKILL)
    reports.wait("start", after=3)
    os.kill(scribe, signal.SIGCONT)
    reeved.wait_line(r"exited: s\d\d \(terminated by SIGKILL")
    end(reeved, pids_of(reports))


# ---- the keeper ----


def successor_of(reeved, keeper):
    """The pid that the pid file names once it is another one."""
    return int(watching.wait_file(reeved.dir / "supervisord.pid", lambda content: content.endswith(b"\n") and int(content) != keeper))


def end_successor(keeper, number=signal.SIGTERM):
    os.kill(keeper, number)
    watching.wait_end(keeper)


@pytest.mark.parametrize("first", [None, "scribe"])
def test_programs_go_on_when_the_keeper_is_killed(reeved, reports, first):
    """With the same pids; what ends is started again; and all ends in order."""
    reeved.start(SLEEPERS.replace("40", "5"))
    pids = [reeved.wait_spawned("s%02d" % i)[1] for i in range(5)]
    for count in range(5):
        reports.wait("start", after=count)
        reeved.wait_running("s%02d" % count)
    if first:
        kill_role(reeved, first)
    keeper = reeved.pid
    for _ in range(3):
        os.kill(keeper, signal.SIGKILL)
        if keeper == reeved.pid:
            reeved.process.wait()
        keeper = successor_of(reeved, keeper)
        roles.wait_pid_of("core", keeper)
        roles.wait_pid_of("scribe", keeper)
        for pid in pids:
            os.kill(pid, 0)
    reeved.wait_line(r"CRIT the keeper \(pid %d\) was killed; pid \d+ takes its place" % reeved.pid)
    seen = len(pids_of(reports))
    assert seen == 5
    os.kill(pids[0], signal.SIGKILL)
    reports.wait("start", after=seen)
    after = pids_of(reports)[seen:]
    assert len(after) == 1
    end_successor(keeper)
    for pid in pids + after:
        watching.wait_end(pid)
    assert not (reeved.dir / "supervisord.pid").exists()


def test_no_line_is_lost_or_doubled_when_the_keeper_is_killed(reeved, go):
    reeved.start(COUNTER)
    _, pid = reeved.wait_spawned("count")
    keeper = reeved.pid
    for turn in range(1, 5):
        go()
        os.kill(keeper, signal.SIGKILL)
        if keeper == reeved.pid:
            reeved.process.wait()
        keeper = successor_of(reeved, keeper)
        roles.wait_pid_of("scribe", keeper)
        go()
        wait_count(reeved, turn * 1000)
    os.kill(pid, 0)
    end_successor(keeper)
    watching.wait_end(pid)


@pytest.mark.parametrize("order", list(itertools.permutations(["core", "scribe", "keeper"])), ids="-".join)
def test_all_three_in_every_order_each_after_its_successor_is_there(reeved, reports, order):
    reeved.start(SLEEPERS.replace("40", "3"))
    pids = wait_all_run(reeved, reports, 3)
    keeper = reeved.pid
    for role in order:
        if role == "keeper":
            os.kill(keeper, signal.SIGKILL)
            if keeper == reeved.pid:
                reeved.process.wait()
            keeper = successor_of(reeved, keeper)
            roles.wait_pid_of("core", keeper)
        else:
            kill_role(reeved, role, keeper)
    for pid in pids:
        os.kill(pid, 0)
    assert sorted(pids_of(reports)) == sorted(pids)
    end_successor(keeper)
    for pid in pids:
        watching.wait_end(pid)
