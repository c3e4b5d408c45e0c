"""[fcgi-program:x]: one listening socket, made by the supervisor, that all processes of the program accept from."""
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys

import pytest
import roles
import watching

# Accepts from descriptor 0, and tells whoever connects who it is; one that says "end" is the last one that it serves.
SERVER = """import os, socket
server = socket.socket(fileno=0)
while True:
    client, _ = server.accept()
    client.sendall(b"%d %d\\n" % (os.getpid(), server.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)))
    if client.recv(10) == b"end":
        os._exit(0)
    client.close()
"""


def section(url, **keys):
    keys = dict(dict(startsecs=0, process_name="%(program_name)s%(process_num)d"), **keys)
    return "[fcgi-program:f]\nsocket = %s\ncommand = %s {dir}/server.py\n" % (url, sys.executable) + "".join(
        "%s = %s\n" % item for item in keys.items())


def start(supervisor, url, **keys):
    (supervisor.dir / "server.py").write_text(SERVER)
    return supervisor.start(section(url, **keys))


def ask(address, word=b"go on"):
    """The pid of who answers there."""
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as client:
        client.settimeout(watching.LIMIT)
        client.connect(address)
        pid, listens = client.makefile("rb").readline().split()
        client.sendall(word)
        assert listens == b"1"
        return int(pid)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_unix_socket(supervisor):
    """It is there when the first process starts, and both accept from it; a file that stands in its way goes."""
    path = supervisor.dir / "f.sock"
    path.write_text("old")
    start(supervisor, "unix://%s" % path, numprocs=2, socket_mode="0751")
    pids = {supervisor.wait_spawned("f%d" % n)[1] for n in range(2)}
    supervisor.wait_line(r"INFO Creating socket unix://%s$" % path)
    status = path.stat()
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o751
    first = ask(str(path), b"end")  # whoever is there first; then the other one is left
    supervisor.wait_line(r"exited: f\d \(exit status 0; expected\)")
    assert {first, ask(str(path))} == pids
    assert supervisor.stop() == 0
    assert path.is_socket()  # supervisord leaves it, too
    assert any("Closing socket unix://%s" % path in line for line in supervisor.lines.lines)


def test_an_inet_socket(supervisor):
    port = free_port()
    start(supervisor, "tcp://127.0.0.1:%d" % port, numprocs=1, autorestart="true")
    supervisor.wait_spawned("f0")
    first = ask(("127.0.0.1", port), b"end")
    watching.wait_end(first)
    supervisor.wait_line(r"exited: f0")
    _, second = supervisor.wait_spawned("f0", after=supervisor.lines.wait(r"exited: f0")[0])
    assert ask(("127.0.0.1", port)) == second != first
    assert supervisor.stop() == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_its_owner(supervisor):
    path, nobody = supervisor.dir / "f.sock", pwd.getpwnam("nobody")
    start(supervisor, "unix://%s" % path, numprocs=1, socket_owner="nobody")
    supervisor.wait_spawned("f0")
    assert path.stat().st_uid == nobody.pw_uid and stat.S_IMODE(path.stat().st_mode) == 0o700
    assert supervisor.stop() == 0


def test_its_backlog(supervisor):
    path = supervisor.dir / "f.sock"
    start(supervisor, "unix://%s" % path, numprocs=1, socket_backlog=37)
    supervisor.wait_spawned("f0")
    ask(str(path))
    listing = subprocess.run(["ss", "-xlH"], stdout=subprocess.PIPE, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("no ss here")
    assert [line.split()[3] for line in listing.stdout.splitlines() if str(path) in line] == ["37"]
    assert supervisor.stop() == 0


def test_connections_outlive_the_core(reeved):
    """What connects while there is no core is served; the socket is the same one after it."""
    path = reeved.dir / "f.sock"
    start(reeved, "unix://%s" % path, numprocs=2)
    pids = [reeved.wait_spawned("f%d" % n)[1] for n in range(2)]
    core = roles.wait_pid_of("core", reeved.pid)
    os.kill(core, signal.SIGKILL)
    assert ask(str(path)) in pids
    roles.wait_pid_of("core", reeved.pid, other_than=core)
    os.kill(pids[0], signal.SIGKILL)
    _, again = reeved.wait_spawned("f0", after=reeved.lines.wait("exited: f0")[0])
    os.kill(pids[1], signal.SIGKILL)
    reeved.lines.wait("exited: f1")
    assert ask(str(path)) in (again, reeved.wait_spawned("f1", after=reeved.lines.wait("exited: f1")[0])[1])
    assert len(reeved.lines.matching("Creating socket")) == 1
    assert reeved.stop() == 0


def test_a_socket_that_cannot_be_had(reeved):
    """Its program cannot be started, and the log says why; supervisord does not start at all."""
    start(reeved, "unix://%s/nowhere/f.sock" % reeved.dir, numprocs=1, startretries=0)
    reeved.wait_line(r"spawnerr: .*'f0': ENOENT")
    reeved.wait_line(r"gave up: f0 entered FATAL state")
    assert reeved.stop() == 0
