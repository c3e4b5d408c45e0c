"""pidproxy and the sample configuration: on the original first, then ours."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
import watching

import reference
from conftest import BUILD, REEVED

TOOLS = BUILD / "src/supervisor/tools"
FORWARDED = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT]

# Tells each signal that it gets, and heeds none. It waits for blocked ones: a handler's would be lost just before a pause.
DAEMON = """import os, signal, sys
numbers = %r
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
report = open(sys.argv[1], "w", buffering=1)
with open(sys.argv[2], "w") as file:
    file.write("%%d\\n" %% os.getpid())
report.write("up %%d\\n" %% os.getpid())
while True:
    report.write("got %%d\\n" %% signal.sigwait(numbers))
""" % [int(number) for number in FORWARDED]


@pytest.fixture(params=["supervisor's", "ours"])
def pidproxy(request):
    program = shutil.which("pidproxy") if request.param != "ours" else TOOLS / "pidproxy"
    if program is None or not os.path.exists(program):
        pytest.skip("%s pidproxy is not here" % request.param)
    return str(program)


@pytest.fixture
def ours():
    if not (TOOLS / "pidproxy").exists():
        pytest.skip("pidproxy is not built")
    return str(TOOLS / "pidproxy")


class Proxied:
    """A daemon that a command started under pidproxy has started, in the background or not."""

    def __init__(self, pidproxy, directory, reports, script):
        (directory / "daemon.py").write_text(DAEMON)
        self.pid_file, self.reports = directory / "pid", reports
        line = "/usr/bin/python3 -S %s %s %s" % (directory / "daemon.py", reports.path, self.pid_file)
        self.process = subprocess.Popen([pidproxy, str(self.pid_file), "/bin/sh", "-c", script % line], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.pid = int(reports.wait(r"up (\d+)")[1][1])

    def end(self):
        """How it ended. The daemon, which heeds nothing else, is killed."""
        os.kill(self.pid, signal.SIGKILL)
        return self.process.wait(watching.LIMIT)


@pytest.fixture
def proxied(pidproxy, tmp_path, reports):
    return Proxied(pidproxy, tmp_path, reports, "trap : HUP; %s & while kill -0 $!; do wait $!; done 2>/dev/null")


def test_signals_go_to_whom_the_file_names(proxied, reports):
    for number in FORWARDED:
        if number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            proxied.process.send_signal(number)
            reports.wait("got %d$" % number)
    proxied.process.send_signal(signal.SIGTERM)
    reports.wait("got %d$" % signal.SIGTERM)
    assert proxied.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_it_ends_on_request(proxied, reports, number):
    proxied.process.send_signal(number)
    reports.wait("got %d$" % number)
    assert proxied.end() == 0


def test_the_file_is_read_for_each_signal(proxied, reports):
    """What it names is asked for anew; without a good one nothing is sent, and that is told."""
    said = watching.Lines(proxied.process.stdout.fileno())
    for text in "", "x", "%d x" % proxied.pid:
        proxied.pid_file.write_text(text)
        before = len(said.lines)
        proxied.process.send_signal(signal.SIGHUP)
        said.wait(re.escape(str(proxied.pid_file)), after=before)
    proxied.pid_file.write_text(" %d \n" % proxied.pid)
    proxied.process.send_signal(signal.SIGUSR2)
    reports.wait("got %d$" % signal.SIGUSR2)
    proxied.process.send_signal(signal.SIGTERM)
    reports.wait("got %d$" % signal.SIGTERM)
    assert proxied.end() == 0
    assert len(reports.matching("^got")) == 2


def test_the_commands_end_is_its_end(pidproxy, tmp_path):
    done = subprocess.run([pidproxy, str(tmp_path / "none"), "/bin/true"], stdin=subprocess.DEVNULL, timeout=watching.LIMIT)
    assert done.returncode == 0


def test_usage(pidproxy):
    for arguments in [], ["file"]:
        done = subprocess.run([pidproxy, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=watching.LIMIT)
        assert done.returncode == 1 and re.search("usage", done.stdout, re.IGNORECASE)


def test_it_stays_until_the_daemon_has_ended(ours, tmp_path, reports):
    """The original is gone at once, and who starts it again finds the old one at work. Signals are passed on meanwhile."""
    proxied = Proxied(ours, tmp_path, reports, "%s & wait")
    proxied.process.send_signal(signal.SIGTERM)
    reports.wait("got %d$" % signal.SIGTERM)
    proxied.process.send_signal(signal.SIGHUP)
    reports.wait("got %d$" % signal.SIGHUP)
    assert proxied.process.poll() is None
    proxied.pid_file.unlink()  # as daemons do before they end
    proxied.process.send_signal(signal.SIGINT)
    reports.wait("got %d$" % signal.SIGINT)
    assert proxied.end() == 0


def test_without_a_file_it_is_the_commands_signal(ours, tmp_path, reports):
    script = tmp_path / "command"
    script.write_text("#!/bin/sh\ntrap 'echo hup > %s' HUP\nsleep 1000 &\necho up > %s\nwait\nwait\n" % (
        reports.path, reports.path))
    script.chmod(0o755)
    process = subprocess.Popen([ours, str(tmp_path / "none"), "./command"], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
                               stdin=subprocess.DEVNULL)
    reports.wait("up")
    process.send_signal(signal.SIGHUP)
    reports.wait("hup")
    for child in watching.descendants_of(process.pid):  # the shell first: it is killed, and does not end by itself
        os.kill(child, signal.SIGKILL)
    assert process.wait(watching.LIMIT) == 128 + signal.SIGKILL
    assert "No such file" in process.stderr.read()


@pytest.mark.parametrize("command, status", [(["/bin/sh", "-c", "exit 3"], 3), (["/bin/sh", "-c", "kill -9 $$"], 137),
                                             (["/nowhere/at/all"], 127), (["sh", "-c", "exit 4"], 4)])
def test_how_the_command_ended_is_told(ours, tmp_path, command, status):
    """The original says 0 whatever happened."""
    done = subprocess.run([ours, str(tmp_path / "none"), *command], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=watching.LIMIT)
    assert done.returncode == status


def sample():
    if not (TOOLS / "echo_reeved_conf").exists():
        pytest.skip("echo_reeved_conf is not built")
    return subprocess.run([TOOLS / "echo_reeved_conf"], stdout=subprocess.PIPE, check=True, text=True, timeout=watching.LIMIT).stdout


def with_examples(text):
    """The sample with each of its examples in force."""
    return re.sub(r"(?m)^;(\[|[a-z_.]+ =)", r"\1", text)


@pytest.mark.parametrize("change", [lambda text: text, with_examples], ids=["as it is", "with all examples"])
def test_both_accept_the_sample(tmp_path, change):
    conf = tmp_path / "supervisord.conf"
    conf.write_text(change(sample()).replace("/run/supervisor", "%s/s" % tmp_path))
    done = subprocess.run([REEVED, "--check", "--json", conf], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
                          timeout=watching.LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
    with reference.Reference() as real:
        found = real.ask(conf, tmp_path, {"PATH": os.environ["PATH"]})
    assert "error" not in found, found
    ours = json.loads(done.stdout)
    assert [group["name"] for group in ours["groups"]] == [group["name"] for group in found["groups"]]


def test_every_setting_is_in_the_sample():
    text = with_examples(sample())
    for section, keys in re.findall(r'SETTING\((\w+), "([^"]+)"', (BUILD.parent / "src/supervisor/config/settings.def").read_text()):
        assert re.search(r"(?m)^%s =" % re.escape(keys), text), (section, keys)
