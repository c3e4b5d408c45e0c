"""The servers' sockets, and the gateway that is born with them."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import stat
import subprocess

import pytest
import roles
import watching

from conftest import REEVED

IN_USE = "Another program is already listening on a port that one of our HTTP servers is configured to use"
SLEEPER = "[program:x]\ncommand = sleep 1000\nstartsecs = 0\n"


@pytest.fixture
def reeved(reeved_served):
    return reeved_served


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    return client


def listener(path):
    """Somebody who listens there."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    return server


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- sockets, as supervisord has them ----


@pytest.mark.parametrize("mode", [0o700, 0o770, 0o722])
def test_a_socket_appears_with_its_mode_and_goes_at_the_end(supervisor, mode):
    path = supervisor.dir / "s.sock"
    supervisor.start("[unix_http_server:s]\nfile = {dir}/s.sock\nchmod = %o\n" % mode)
    found = path.lstat()
    assert stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == mode
    connect(path).close()
    assert supervisor.stop() == 0
    assert [p.name for p in supervisor.dir.iterdir() if ".sock" in p.name] == []


def test_its_owner_is_as_configured(supervisor):
    if os.getuid() != 0:
        pytest.skip("only root gives files away")
    supervisor.start("[unix_http_server:s]\nfile = {dir}/s.sock\nchown = nobody:root\n")
    found = (supervisor.dir / "s.sock").lstat()
    assert (found.st_uid, found.st_gid) == (pwd.getpwnam("nobody").pw_uid, 0)
    assert supervisor.stop() == 0


def test_a_socket_that_a_dead_one_left_is_replaced(supervisor):
    listener(supervisor.dir / "s.sock").close()
    supervisor.start("[unix_http_server:s]\nfile = {dir}/s.sock\n")
    connect(supervisor.dir / "s.sock").close()
    assert supervisor.lines.matching("Unlinking stale socket %s" % (supervisor.dir / "s.sock"))
    assert supervisor.stop() == 0


def test_a_port_that_is_in_use_is_a_reason_not_to_start(supervisor):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        supervisor.start("[inet_http_server]\nport = 127.0.0.1:%d\n" % taken.getsockname()[1], wait=False)
        supervisor.wait_line(IN_USE)
        assert supervisor.wait() == 2
    assert not (supervisor.dir / "supervisor.sock").exists()
    assert not (supervisor.dir / "supervisord.pid").exists()


def test_a_directory_that_is_not_there_is_a_reason_too(supervisor):
    supervisor.start("[unix_http_server:s]\nfile = {dir}/nowhere/s.sock\n", wait=False)
    supervisor.wait_line(r"Cannot open an HTTP server: socket.error reported errno.ENOENT \(2\)")
    assert supervisor.wait() == 2


# ---- where ours does better ----


def test_somebody_who_listens_but_does_not_answer_is_left_alone(reeved):
    """The real one would wait for the answer for good."""
    with listener(reeved.dir / "s.sock") as server:
        reeved.start("[unix_http_server:s]\nfile = {dir}/s.sock\n", wait=False)
        reeved.wait_line(IN_USE)
        assert reeved.wait() == 2
        connect(reeved.dir / "s.sock").close()
        server.accept()[0].close()
    assert not (reeved.dir / "supervisor.sock").exists()


def test_two_daemons_cannot_have_one_socket(reeved, tmp_path):
    reeved.start(SLEEPER)
    other = reeved.conf.read_text().replace("supervisord.pid", "other.pid").replace("supervisord.log", "other.log")
    (tmp_path / "other.conf").write_text(other)
    done = subprocess.run([REEVED, "-n", "-c", tmp_path / "other.conf"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=watching.LIMIT)
    assert (done.returncode, IN_USE in done.stderr) == (2, True)
    connect(reeved.dir / "supervisor.sock").close()
    assert reeved.stop() == 0


def test_a_file_that_is_no_socket_is_left_alone(reeved):
    """The real one removes it."""
    (reeved.dir / "s.sock").write_text("precious")
    reeved.start("[unix_http_server:s]\nfile = {dir}/s.sock\n", wait=False)
    reeved.wait_line("s.sock is in the way of the HTTP server's socket: it exists, and is no socket")
    assert reeved.wait() == 2
    assert (reeved.dir / "s.sock").read_text() == "precious"


def test_somebody_elses_socket_is_left_alone_at_the_end(reeved):
    reeved.start("[unix_http_server:s]\nfile = {dir}/s.sock\n")
    (reeved.dir / "s.sock").unlink()
    with listener(reeved.dir / "s.sock"):
        assert reeved.stop() == 0
        connect(reeved.dir / "s.sock").close()


def test_a_reload_keeps_a_socket_that_is_still_wanted(reeved):
    """A client finds one at any moment; what is not wanted any more goes, and what is new comes."""
    reeved.start("[unix_http_server:a]\nfile = {dir}/a.sock\n[unix_http_server:b]\nfile = {dir}/b.sock\nchmod = 0700\n")
    kept = (reeved.dir / "b.sock").lstat().st_ino
    text = reeved.conf.read_text().replace("a.sock", "c.sock").replace("chmod = 0700", "chmod = 0770")
    reeved.conf.write_text(text)
    after = reeved.seen
    reeved.send(signal.SIGHUP)
    reeved.wait_line("started with pid", after=after)
    found = (reeved.dir / "b.sock").lstat()
    assert (found.st_ino, stat.S_IMODE(found.st_mode)) == (kept, 0o770)
    assert not (reeved.dir / "a.sock").exists()
    for name in "bc":
        connect(reeved.dir / (name + ".sock")).close()
    assert reeved.stop() == 0
    assert not list(reeved.dir.glob("*.sock"))


def test_a_reload_to_a_socket_that_cannot_be_had_goes_on_without_it(reeved):
    """The real one, which has ended all programs by then, ends too."""
    reeved.start(SLEEPER)
    reeved.conf.write_text(reeved.conf.read_text() + "[unix_http_server:s]\nfile = %s/nowhere/s.sock\n" % reeved.dir)
    after = reeved.wait_running("x")
    reeved.send(signal.SIGHUP)
    reeved.wait_line("CRIT Cannot open an HTTP server: socket.error reported errno.ENOENT", after=after)
    reeved.wait_running("x", after=after + 1)
    connect(reeved.dir / "supervisor.sock").close()
    assert reeved.stop() == 0


# ---- the gateway ----


def test_without_a_server_there_is_no_gateway(reeved):
    reeved.conf.write_text("[supervisord]\nnodaemon = true\nlogfile = %(dir)s/log\npidfile = %(dir)s/pid\n" % {"dir": reeved.dir} + SLEEPER)
    reeved.run("-c", reeved.conf, wait="spawned: 'x'")
    reeved.wait_status("x", "RUNNING")
    assert roles.pid_of("scribe", reeved.pid)
    assert not roles.pid_of("gateway", reeved.pid)
    reeved.conf.write_text(reeved.conf.read_text() + "[unix_http_server]\nfile = %s/s.sock\n" % reeved.dir)
    os.kill(reeved.pid, signal.SIGHUP)
    roles.wait_sandboxed(roles.wait_pid_of("gateway", reeved.pid))
    assert reeved.stop() == 0


def test_it_has_no_rights_and_nothing_that_is_not_its_own(reeved, monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    reeved.start(SLEEPER + "[inet_http_server]\nport = 127.0.0.1:%d\n" % free_port())
    pid = roles.wait_pid_of("gateway", reeved.pid)
    roles.wait_sandboxed(pid)
    status = roles.status_of(pid)
    if os.getuid() == 0:
        assert set(status["Uid"].split()) & {"0"} == set() and set(status["Gid"].split()) & {"0"} == set()
        assert status["Groups"] == ""
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert pathlib.Path("/proc/%d/cwd" % pid).readlink() == pathlib.Path("/")
    assert pathlib.Path("/proc/%d/environ" % pid).read_bytes() == b"TZ=Asia/Tokyo\0"
    opened = [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
    assert not [name for name in opened if name.startswith("/") and "memfd" not in name and name != "/dev/null"
                and not name.endswith("pipe")], opened
    assert not [name for name in opened if "gateway" in name or "configuration" in name], opened  # its settings have passwords
    assert reeved.stop() == 0


def test_programs_do_not_inherit_the_servers(reeved):
    reeved.start(SLEEPER)
    _, pid = reeved.wait_spawned("x")
    while watching.processes()[pid][1] != "S":  # asleep: its loader has closed what it opened
        os.sched_yield()
    assert sorted(os.listdir("/proc/%d/fd" % pid)) == ["0", "1", "2"]
    assert reeved.stop() == 0


def test_one_that_is_killed_takes_no_clients_attempt_along(reeved):
    reeved.start(SLEEPER)
    gateway = roles.wait_pid_of("gateway", reeved.pid)
    roles.wait_sandboxed(gateway)
    os.kill(gateway, signal.SIGSTOP)
    client = connect(reeved.dir / "supervisor.sock")
    socket_file = (reeved.dir / "supervisor.sock").lstat().st_ino
    os.kill(gateway, signal.SIGKILL)
    reeved.wait_line(r"CRIT keeper: the gateway \(pid %d\) was killed by SIGKILL; starting it again" % gateway)
    roles.wait_pid_of("gateway", reeved.pid, other_than=gateway)
    client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert client.recv(5) == b"HTTP/"
    assert (reeved.dir / "supervisor.sock").lstat().st_ino == socket_file
    assert reeved.stop() == 0


def test_one_that_is_stopped_does_not_hold_up_the_end_for_good(reeved):
    reeved.start(SLEEPER)
    os.kill(roles.wait_pid_of("gateway", reeved.pid), signal.SIGSTOP)
    assert reeved.stop() == 0
    assert not (reeved.dir / "supervisor.sock").exists()


def test_where_its_program_is_missing_all_else_works(reeved, tmp_path):
    """And the log says what is missing."""
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(REEVED, alone)
    reeved.program = str(alone / "reeved")
    reeved.start(SLEEPER)
    reeved.wait_line("CRIT the gateway's program, reeve-gateway, cannot be executed: No such file or directory")
    reeved.wait_status("x", "RUNNING")
    assert reeved.stop() == 0
