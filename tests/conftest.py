"""A supervisor on a configuration of its own, in a directory of its own, for one test.

    def test_a_crash_is_mended(reeved, reports):
        reeved.start("[program:x]\\ncommand = ...\\n")
        _, started = reeved.wait_line(r"spawned: 'x' with pid (\\d+)")
        os.kill(int(started[1]), signal.SIGKILL)
        reeved.wait_line(r"spawned: 'x'", after=reeved.seen)
        assert reeved.stop() == 0

`reeved` is ours; `supervisor` is each of the real supervisord and ours in turn, for what both must do alike. Nothing here sleeps:
what is waited for is a line, a file's change or a process's end. A test that leaves a process behind fails.
"""
import datetime
import itertools
import os
import pathlib
import select
import shutil
import signal
import subprocess
import time

import pytest

import api
import watching

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("REEVE_BUILD", ROOT / "build"))
REEVED = BUILD / "src/supervisor/main/reeved"

HEAD = """[supervisord]
nodaemon = true
logfile = {dir}/supervisord.log
pidfile = {dir}/supervisord.pid
childlogdir = {dir}
{supervisord}
[unix_http_server]
file = {dir}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix://{dir}/supervisor.sock
"""


GRACE = 5  # seconds that what a test leaves has for ending by itself


def needs_unshare(*options):
    """Skip where such namespaces are not to be had: in an unprivileged container, or a chroot that is no mount point."""
    done = subprocess.run(["unshare", *options, "true"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        pytest.skip(done.stderr.strip())


class Supervisor:
    """One supervisor in the foreground, and what it says."""

    def __init__(self, program, directory):
        self.program, self.dir = str(program), pathlib.Path(directory)
        self.is_ours = pathlib.Path(program).name != "supervisord"
        self.conf, self.log = self.dir / "supervisord.conf", self.dir / "supervisord.log"
        self.process = self.lines = None

    def start(self, text, *arguments, supervisord="", env=None, wait=True):
        """Write the configuration ({dir} stands for the test's directory; `supervisord`: more keys of that section), start on it,
        and wait until it says that it runs."""
        text = HEAD.replace("{supervisord}", supervisord) + text
        self.conf.write_text(text.replace("{dir}", str(self.dir)))
        return self.run("-n", "-c", self.conf, *arguments, env=env, wait=r"started with pid" if wait else None)

    def run(self, *arguments, env=None, wait=None):
        """Start with these arguments and no more."""
        reading, writing = os.pipe()
        self.process = subprocess.Popen([self.program, *map(str, arguments)], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=writing,
                                        stderr=writing, env=dict(os.environ, **(env or {})), start_new_session=True)
        os.close(writing)
        self.lines = watching.Lines(reading)
        if wait:
            self.wait_line(wait)
        return self

    @property
    def pid(self):
        return self.process.pid

    @property
    def seen(self):
        """The number of lines so far: `after=` that, only what comes later counts."""
        while self.lines.read(0):
            pass
        return len(self.lines.lines)

    def wait_line(self, pattern, after=0, limit=None):
        """(number, match) of the first line of its log, from number `after` on, that matches."""
        return self.lines.wait(pattern, after, limit)

    def time_of(self, number):
        """When a line was written, as it says itself, in seconds."""
        return datetime.datetime.fromisoformat(self.lines.lines[number][:23].replace(",", ".")).timestamp()

    def wait_spawned(self, name, after=0):
        """(number of the line, pid) of a program's next start; it is no copy of its supervisor any more."""
        number, match = self.wait_line(r"spawned: '%s' with pid (\d+)" % name, after)
        watching.wait_exec(int(match[1]))
        return number, int(match[1])

    def wait_running(self, name, after=0):
        return self.wait_line(r"success: %s entered RUNNING state" % name, after)[0]

    @property
    def socket(self):
        return self.dir / "supervisor.sock"

    def client(self):
        """A client of its API by the unix socket."""
        return api.Client(self.socket)

    def send(self, number):
        """Send the supervisor a signal, when the programs that it started so far are programs: the real one forks, says so, and
        executes later, and a program that it asks to end in between goes on."""
        if not self.is_ours:
            for pid in watching.children_of(self.pid):
                watching.wait_exec(pid)
        os.kill(self.pid, number)

    def stop(self, number=signal.SIGTERM, limit=None):
        """End it as a person would, and tell its exit status."""
        self.send(number)
        return self.wait(limit)

    def wait(self, limit=None):
        """Until it has ended; what it says meanwhile is read, lest it wait for that."""
        end, pidfd = time.monotonic() + (limit or watching.LIMIT), os.pidfd_open(self.pid) if self.process.poll() is None else -1
        while self.process.poll() is None:
            of_interest = [pidfd] if self.lines.ended else [pidfd, self.lines.fd]
            if not select.select(of_interest, [], [], max(0, end - time.monotonic()))[0]:
                raise watching.Timeout("it did not end; it said:\n" + "\n".join(self.lines.lines))
            self.lines.read(0)
        if pidfd >= 0:
            os.close(pidfd)
        while self.lines.read(0):
            pass
        return self.process.returncode

    def status(self):
        """{program: word of its state} as `reeved --status` tells it, which reads the board and wakes no one."""
        done = subprocess.run([self.program, "-c", str(self.conf), "--status"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=watching.LIMIT)
        assert done.returncode in (0, 3), done.stderr
        return {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if line.strip()}

    def wait_status(self, name, state):
        """Wait until the board has a program in this state. It wakes nobody who waits for that, nor need there be a line of the log
        behind each change: so it is looked at again and again."""
        end = time.monotonic() + watching.LIMIT
        while True:
            status = self.status().get(name)
            if status == state:
                return
            if time.monotonic() >= end:
                raise watching.Timeout("%s is %s, not %s; the log:\n%s" % (name, status, state, "\n".join(self.lines.lines)))
            self.lines.read(0.1)

    def descendants(self):
        return watching.descendants_of(self.pid)

    def clean_up(self):
        """End what is left, whatever state the test left it in."""
        if self.process and self.process.poll() is None:
            end_all(lambda: [self.pid] + self.descendants())
            self.process.wait()
        if self.lines:
            os.close(self.lines.fd)


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Orphans of a test come to us: a test that leaves any has failed, and they are ended."""
    watching.adopt_orphans()
    before = set(watching.descendants_of(os.getpid()))
    yield
    end = time.monotonic() + GRACE
    for pid in set(watching.descendants_of(os.getpid())) - before:
        try:
            watching.wait_end(pid, max(0, end - time.monotonic()))  # it may be about to
        except watching.Timeout:
            break
    names = end_all(lambda: set(watching.descendants_of(os.getpid())) - before)
    while reap():
        pass
    assert not names, "processes were left behind: %s" % names


def end_all(left):
    """Kill what `left()` finds until it finds nothing. {pid: command line} of all. They are stopped first, for of reeved's processes
    one replaces another that is killed."""
    names = {}
    for number in itertools.cycle((signal.SIGSTOP, signal.SIGKILL)):
        pids = [pid for pid in left() if watching.processes().get(pid, (0, "X"))[1] not in "ZX"]
        if not pids:
            return names
        for pid in pids:
            try:
                name = pathlib.Path("/proc/%d/cmdline" % pid).read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                if name and not watching.is_dying(pid):  # without one its memory is gone already
                    names[pid] = name
                os.kill(pid, number)
            except (FileNotFoundError, ProcessLookupError):
                continue


def reap():
    """Take the status of an orphan that has ended; False when none is there."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] > 0
    except ChildProcessError:
        return False


def supervised(program, directory):
    made = Supervisor(program, directory)
    try:
        yield made
    finally:
        made.clean_up()


@pytest.fixture
def reeved(tmp_path, nothing_left_behind):
    if not REEVED.exists():
        pytest.skip("reeved is not built")
    yield from supervised(REEVED, tmp_path)


@pytest.fixture(params=["supervisord", "reeved"])
def supervisor(request, tmp_path, nothing_left_behind):
    program = shutil.which("supervisord") if request.param == "supervisord" else REEVED
    if program is None or not pathlib.Path(program).exists():
        pytest.skip("%s is not here" % request.param)
    yield from supervised(program, tmp_path)


def with_gateway(supervisor):
    if supervisor.is_ours and not (REEVED.parent / "reeve-gateway").exists():
        pytest.skip("there is no gateway yet")
    return supervisor


@pytest.fixture
def served(supervisor):
    """As `supervisor`, of which the API is asked."""
    return with_gateway(supervisor)


@pytest.fixture
def reeved_served(reeved):
    return with_gateway(reeved)


@pytest.fixture
def reports(tmp_path):
    """A FIFO (reports.path) that programs under test write lines to."""
    fifo = watching.Fifo(tmp_path / "reports")
    yield fifo
    fifo.close()
