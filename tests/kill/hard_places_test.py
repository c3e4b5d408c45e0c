"""reeved where it is hard to be: no room on the disk, few descriptors, few processes, no standard streams, as PID 1, as nobody special."""
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
import roles
import watching

from conftest import REEVED, needs_unshare

ORDINARY = 50000 + os.getpid() % 10000  # a user id that is nobody's, nor that of tests beside us


def sleepers(count, more=""):
    return ("[program:s]\ncommand = sleep 1000\nprocess_name = %%(program_name)s%%(process_num)04d\nnumprocs = %d\nstartsecs = 0\n"
            "stdout_logfile = NONE\nstderr_logfile = NONE\n%s" % (count, more))


def for_root():
    if os.getuid() != 0:
        pytest.skip("for root")


# ---- an ordinary user ----


@pytest.fixture
def ordinary(supervisor):
    """The supervisor in a folder of an ordinary user; `.wrap(words)` has it started by one."""
    for_root()
    folder = pathlib.Path(tempfile.mkdtemp())
    os.chown(folder, ORDINARY, ORDINARY)
    supervisor.dir, supervisor.conf, supervisor.log = folder, folder / "supervisord.conf", folder / "supervisord.log"
    program = supervisor.program

    def wrap(*words):
        script = folder / "start"
        script.write_text('#!/bin/sh\nexec setpriv --reuid %d --regid %d --clear-groups %s "%s" "$@"\n' % (
            ORDINARY, ORDINARY, " ".join(words), program))
        script.chmod(0o755)
        supervisor.program = str(script)
        return supervisor
    supervisor.wrap = wrap
    yield supervisor
    supervisor.clean_up()
    supervisor.process = supervisor.lines = None
    shutil.rmtree(folder)


def test_an_ordinary_user_has_programs_too(ordinary):
    ordinary.wrap().start("[program:x]\ncommand = /bin/sh -c 'id -u > {dir}/id; exec sleep 1000'\nstartsecs = 0\n")
    ordinary.wait_running("x")
    watching.wait_file(ordinary.dir / "id", lambda content: content == b"%d\n" % ORDINARY)
    _, pid = ordinary.wait_spawned("x")
    os.kill(pid, signal.SIGKILL)
    ordinary.wait_line("exited: x")
    assert ordinary.stop() == 0
    assert ordinary.log.stat().st_uid == ORDINARY


def test_no_more_processes_can_be_had(ordinary):
    """Each that is not made is told in supervisord's words; those that are there go on."""
    roles_of_ours = 4 if ordinary.is_ours else 1  # with a gateway
    ordinary.wrap("prlimit", "--nproc=%d" % (roles_of_ours + 2)).start(
        "".join("[program:p%d]\ncommand = sleep 1000\nstartsecs = 0\nstartretries = 0\n" % i for i in range(5)),
        supervisord="minprocs = 3")
    for i in 2, 3, 4:
        ordinary.wait_line(r"INFO spawnerr: Too many processes in process table to spawn 'p%d'$" % i)
        ordinary.wait_line("gave up: p%d" % i)
    for i in 0, 1:
        ordinary.wait_running("p%d" % i)
    assert ordinary.stop() == 0
    assert len(ordinary.lines.matching("spawned")) == 2


def test_a_restart_where_no_other_process_can_be_had(ordinary):
    """The one that died makes room for its successor."""
    roles_of_ours = 4 if ordinary.is_ours else 1  # with a gateway
    ordinary.wrap("prlimit", "--nproc=%d" % (roles_of_ours + 2)).start(
        "".join("[program:p%d]\ncommand = sleep 1000\nstartsecs = 1\nstartretries = 0\n" % i for i in range(2)), supervisord="minprocs = 3")
    lines = [0, 0]
    for _ in range(5):
        spawned = [ordinary.wait_spawned("p%d" % i, lines[i]) for i in (0, 1)]
        lines = [ordinary.wait_running("p%d" % i, spawned[i][0]) for i in (0, 1)]
        for _, pid in spawned:
            os.kill(pid, signal.SIGKILL)
    for i in 0, 1:
        ordinary.wait_spawned("p%d" % i, lines[i])
    assert not ordinary.lines.matching("spawnerr")
    assert ordinary.stop() == 0


# ---- descriptors ----


def test_no_more_descriptors_can_be_had(reeved):
    """Programs for which there are none are given up with supervisord's words; the others go on, and all ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    script = reeved.dir / "start"
    script.write_text('#!/bin/sh\nulimit -n 80\nexec "%s" "$@"\n' % REEVED)
    script.chmod(0o755)
    reeved.program = str(script)
    reeved.start("[program:s]\ncommand = sleep 1000\nprocess_name = s%(process_num)02d\nnumprocs = 40\nstartsecs = 0\nstartretries = 0\n",
                 supervisord="minfds = 80")
    reeved.wait_line(r"INFO spawnerr: too many open files to spawn 's\d\d'$")
    reeved.wait_line("gave up: s39")
    reeved.program = str(REEVED)
    table = roles.status_table(reeved)[1]
    states = [state for state, _ in table.values()]
    assert set(states) == {"RUNNING", "FATAL"} and states.count("RUNNING") > 5
    assert reeved.stop() == 0


def test_descriptors_that_it_was_started_with_are_not_passed_on(reeved):
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(300)]
    for fd in held:
        os.set_inheritable(fd, True)
    try:
        reeved.conf.write_text("[supervisord]\nnodaemon = true\nlogfile = %s\npidfile = %s\nchildlogdir = %s\n[program:x]\n"
                               "command = /bin/ls /proc/self/fd\nautorestart = false\nstartsecs = 0\nstdout_logfile = %s\n" % (
                                   reeved.log, reeved.dir / "supervisord.pid", reeved.dir, reeved.dir / "x"))
        reading, writing = os.pipe()
        reeved.process = subprocess.Popen([REEVED, "-c", reeved.conf], cwd=reeved.dir, stdin=subprocess.DEVNULL, stdout=writing,
                                          stderr=writing, close_fds=False, start_new_session=True)
        os.close(writing)
        reeved.lines = watching.Lines(reading)
        reeved.wait_line(r"exited: x \(exit status 0; expected\)")
    finally:
        for fd in held:
            os.close(fd)
    assert reeved.stop() == 0
    assert (reeved.dir / "x").read_text().split() == ["0", "1", "2", "3"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("background", [False, True])
def test_started_without_standard_streams(reeved, closed, background):
    """None of its own files takes their place, to be written over."""
    reeved.conf.write_text("[supervisord]\nnodaemon = %s\nlogfile = %s\npidfile = %s\nchildlogdir = %s\n[program:x]\n"
                           "command = /bin/sh -c 'readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2; exec sleep 1000'\nstartsecs = 0\n"
                           "stdout_logfile = %s\n" % ("false" if background else "true", reeved.log, reeved.dir / "supervisord.pid",
                                                      reeved.dir, reeved.dir / "x"))
    process = subprocess.Popen(["sh", "-c", 'exec "$0" -c "$1" ' + closed, REEVED, reeved.conf], cwd=reeved.dir, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    if background:
        assert process.wait(watching.LIMIT) == 0
    content = watching.wait_file(reeved.dir / "x", lambda content: content.count(b"\n") == 3)
    assert all(re.match(rb"pipe:\[\d+\]$", line) for line in content.splitlines())
    watching.wait_file(reeved.log, lambda content: b"success: x" in content)
    pid = int((reeved.dir / "supervisord.pid").read_text())
    assert background or pid == process.pid
    assert (reeved.dir / "supervisord.pid").read_text() == "%d\n" % pid
    assert reeved.status() == {"x": "RUNNING"}
    os.kill(pid, signal.SIGTERM)
    watching.wait_end(pid)
    assert process.wait(watching.LIMIT) == 0
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]{4} ", line) for line in reeved.log.read_text().splitlines())


# ---- no room on the disk ----


@pytest.fixture
def small_disk(tmp_path):
    for_root()
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_full_is_told_and_programs_go_on(reeved, small_disk, tmp_path):
    go = tmp_path / "go"
    os.mkfifo(go)
    fd = os.open(go, os.O_RDWR)
    reeved.start("[program:x]\ncommand = /bin/sh -c 'while read size; do head -c $size /dev/zero; echo; touch {dir}/said; done < {dir}/go'\n"
                 "startsecs = 0\nstdout_logfile = {dir}/small/x.log\nstdout_logfile_maxbytes = 0\n")
    _, pid = reeved.wait_spawned("x")
    os.write(fd, b"200000\n")
    reeved.wait_line(r"(WARN|ERRO|CRIT) .*small/x\.log.*(No space|ENOSPC)")
    watching.wait_file(tmp_path / "said", lambda content: content is not None)
    assert reeved.status() == {"x": "RUNNING"}
    (small_disk / "x.log").write_bytes(b"")
    while b"\0" * 11 not in (small_disk / "x.log").read_bytes():  # it is tried again a second later, with what comes then
        os.write(fd, b"11\n")
        reeved.lines.read(0.2)
    reeved.wait_line(r"small/x\.log.*\d+")
    os.kill(pid, 0)
    assert reeved.stop() == 0
    os.close(fd)


def test_its_own_log_on_a_full_disk(reeved, small_disk):
    (small_disk / "filler").write_bytes(b"x" * 65536)
    reeved.start(sleepers(3), "-l", small_disk / "own.log")
    for i in range(3):
        reeved.wait_running("s%04d" % i)
    assert reeved.stop() == 0


# ---- PID 1 ----


def test_as_pid_1_it_reaps_strangers_and_ends_in_order(reeved):
    for_root()
    script = reeved.dir / "start"
    needs_unshare("--fork", "--pid", "--mount-proc", "--kill-child")
    script.write_text('#!/bin/sh\nexec unshare --fork --pid --mount-proc --kill-child "%s" "$@"\n' % REEVED)
    script.chmod(0o755)
    reeved.program = str(script)
    reeved.start("[program:x]\ncommand = /bin/sh -c '(sleep 0.2; exit 7) & exec sleep 1000'\nstartsecs = 0\n"
                 "[program:orphans]\ncommand = /bin/sh -c '(sh -c \"exit 7\" &) & exit 0'\nautorestart = false\nstartsecs = 0\n")
    reeved.wait_line("supervisord started with pid 1$")
    reeved.wait_line(r"INFO reaped unknown pid \d+ \(exit status [07]\)$")
    reeved.wait_running("x")
    inner = [pid for pid, (parent, _) in watching.processes().items() if parent == reeved.pid]
    assert len(inner) == 1
    watching.wait_reaped(inner[0])
    os.kill(inner[0], signal.SIGTERM)
    assert reeved.wait() == 0
    reeved.wait_line(r"stopped: x \(terminated by SIGTERM\)")


def test_as_pid_1_its_core_and_scribe_are_replaced(reeved):
    for_root()
    script = reeved.dir / "start"
    needs_unshare("--fork", "--pid", "--mount-proc", "--kill-child")
    script.write_text('#!/bin/sh\nexec unshare --fork --pid --mount-proc --kill-child "%s" "$@"\n' % REEVED)
    script.chmod(0o755)
    reeved.program = str(script)
    reeved.start(sleepers(3))
    for i in range(3):
        reeved.wait_running("s%04d" % i)
    inner = [pid for pid, (parent, _) in watching.processes().items() if parent == reeved.pid][0]
    before = sorted(pid for pid in reeved.descendants() if roles.comm_of(pid) == "sleep")
    for role in "core", "scribe", "core":
        pid = roles.wait_pid_of(role, inner)
        os.kill(pid, signal.SIGKILL)
        roles.wait_pid_of(role, inner, other_than=pid)
    assert sorted(pid for pid in reeved.descendants() if roles.comm_of(pid) == "sleep") == before
    os.kill(inner, signal.SIGTERM)
    assert reeved.wait() == 0


# ---- many ----


def test_a_thousand_programs_and_a_core_that_is_killed_meanwhile(reeved):
    reeved.start(sleepers(1000))
    for _ in range(3):
        reeved.lines.read(1)  # in the midst of it, unless this process was held up
        pid = roles.wait_pid_of("core", reeved.pid)
        os.kill(pid, signal.SIGKILL)
        roles.wait_pid_of("core", reeved.pid, other_than=pid)
    while True:
        states = [state for state, _ in roles.status_table(reeved)[1].values()]
        if states == ["RUNNING"] * 1000:
            break
        reeved.lines.read(1)
    sleeping, end = [], time.monotonic() + watching.LIMIT
    while len(sleeping) != 1000 and time.monotonic() < end:  # whose core was killed may not have executed it yet
        sleeping = [pid for pid in reeved.descendants() if roles.comm_of(pid) == "sleep"]
    assert len(sleeping) == 1000
    told = {int(re.match(r"pid (\d+)", text)[1]) for _, text in roles.status_table(reeved)[1].values()}
    assert told == set(sleeping)
    assert reeved.stop() == 0
    assert not any(os.path.exists("/proc/%d" % pid) and roles.comm_of(pid) == "sleep" for pid in sleeping)
