"""The daemon itself: pid file, log, background and foreground, limits, signals."""
import os
import pathlib
import re
import resource
import signal
import stat
import subprocess

import pytest
import watching

LINE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (CRIT|ERRO|WARN|INFO|DEBG|TRAC|BLAT) "
SLEEPER = "[program:x]\ncommand = sleep 1000\nstartsecs = 0\n"


def log_of(supervisor):
    return supervisor.log.read_text().splitlines()


# ---- its log, in the foreground ----


def test_the_log_goes_to_its_file_and_in_the_foreground_to_standard_output(supervisor):
    supervisor.start(SLEEPER)
    supervisor.wait_spawned("x")
    assert supervisor.stop() == 0
    file = log_of(supervisor)
    assert all(re.match(LINE, line) for line in file)
    told = [line for line in supervisor.lines.lines if re.match(LINE, line)]
    assert told == file


def test_silent_keeps_standard_output_clean(supervisor):
    supervisor.start(SLEEPER, "-s", wait=False)
    watching.wait_file(supervisor.log, lambda content: b"spawned: 'x'" in content)
    assert supervisor.stop() == 0
    assert not supervisor.lines.matching(LINE)


def test_the_lines_that_people_look_for(supervisor):
    """Of one life, in their order, with their levels."""
    supervisor.start("[program:x]\ncommand = sleep 1000\nstartsecs = 1\n", supervisord="" if os.getuid() else "user = root")
    supervisor.wait_running("x")
    assert supervisor.stop() == 0
    _, pid = supervisor.wait_spawned("x")
    wanted = [
        r"INFO supervisord started with pid %d$" % supervisor.pid,
        r"INFO spawned: 'x' with pid \d+$",
        r"INFO success: x entered RUNNING state, process has stayed up for > than 1 seconds \(startsecs\)$",
        r"WARN received SIGTERM indicating exit request$",
        r"INFO waiting for x to die$",
        r"WARN stopped: x \(terminated by SIGTERM\)$",
    ]
    if os.getuid() == 0:
        wanted.insert(0, r"INFO Set uid to user 0 succeeded$")
    at = 0
    for pattern in wanted:
        at = supervisor.wait_line(pattern, after=at)[0] + 1


def test_root_without_a_user_is_warned(supervisor):
    if os.getuid() != 0:
        pytest.skip("for root")
    supervisor.start("")
    supervisor.wait_line(r"CRIT Supervisor is running as root\.  Privileges were not dropped because no user is specified in the "
                         r"config file\.  If you intend to run as root, you can set user=root in the config file to avoid this "
                         r"message\.$")
    assert supervisor.stop() == 0


def test_levels_let_through_what_is_as_grave_or_graver(supervisor):
    supervisor.start(SLEEPER, "-e", "warn", wait=False)
    pidfile = supervisor.dir / "supervisord.pid"
    watching.wait_file(pidfile, lambda content: content.endswith(b"\n"))
    watching.wait_file(supervisor.dir / "supervisord.log", lambda content: True)
    assert supervisor.stop() == 0
    levels = {re.match(LINE, line)[1] for line in log_of(supervisor)}
    assert levels and levels <= {"CRIT", "ERRO", "WARN"}


def test_debug_tells_of_signals_sent(supervisor):
    supervisor.start("[program:x]\ncommand = sleep 1000\nstartsecs = 0\n[program:y]\ncommand = sleep 1000\nstopasgroup = true\n"
                     "startsecs = 0\nstopsignal = INT\n", "-e", "debug")
    _, x = supervisor.wait_spawned("x")
    _, y = supervisor.wait_spawned("y")
    assert supervisor.stop() == 0
    supervisor.wait_line(r"DEBG killing x \(pid %d\) with signal SIGTERM$" % x)
    supervisor.wait_line(r"DEBG killing y \(pid %d\) process group with signal SIGINT$" % y)


@pytest.mark.parametrize("backups", [0, 2])
def test_the_log_is_rotated(supervisor, backups):
    """By what many starts of a program write into it."""
    programs = "".join("[program:p%d]\ncommand = sleep 1000\nstartsecs = 0\n" % i for i in range(20))
    supervisor.start(programs, "-y", "500", "-z", str(backups))
    for i in range(20):
        supervisor.wait_running("p%d" % i)
    assert supervisor.stop() == 0
    names = {path.name for path in supervisor.dir.glob("supervisord.log*")}
    assert names == {"supervisord.log"} | {"supervisord.log.%d" % (i + 1) for i in range(backups)}
    for name in names:
        content = (supervisor.dir / name).read_bytes()
        assert len(content) < 500 + 200
        assert content == b"" or content.endswith(b"\n")


def test_usr2_opens_its_log_anew(supervisor):
    supervisor.start(SLEEPER)
    supervisor.wait_spawned("x")
    moved = supervisor.dir / "moved"
    supervisor.log.rename(moved)
    supervisor.send(signal.SIGUSR2)
    supervisor.wait_line(r"INFO received SIGUSR2 indicating log reopen request$")
    watching.wait_file(supervisor.log, lambda content: True)
    assert supervisor.stop() == 0
    assert "stopped: x" in supervisor.log.read_text()
    assert "stopped: x" not in moved.read_text()


# ---- pid file, directory, umask ----


def test_the_pid_file_is_there_while_it_runs(supervisor):
    pidfile = supervisor.dir / "elsewhere.pid"
    supervisor.start("", "-j", pidfile)
    assert watching.wait_file(pidfile, lambda content: content.endswith(b"\n")) == b"%d\n" % supervisor.pid
    assert supervisor.stop() == 0
    assert not pidfile.exists()


def test_a_pid_file_that_cannot_be_written_does_not_keep_it_from_running(supervisor):
    directory = supervisor.dir / "pid"
    directory.mkdir()
    supervisor.start(SLEEPER, supervisord="pidfile = {dir}/pid", wait=False)
    supervisor.wait_line(r"CRIT could not write pidfile %s" % directory)
    supervisor.wait_spawned("x")
    assert supervisor.stop() == 0
    assert directory.is_dir()


def test_umask_and_environment_of_the_daemon_are_the_programs_too(supervisor):
    supervisor.start("""
[program:x]
command = /bin/sh -c 'umask > {dir}/x; echo $A-$B >> {dir}/x; touch {dir}/made; exec sleep 1000'
startsecs = 0
environment = B="two"
""", supervisord='umask = 077\nenvironment = A="one",B="one"')
    content = watching.wait_file(supervisor.dir / "x", lambda content: content.count(b"\n") == 2)
    # supervisord changes its own umask only as a daemon
    assert content == b"0022\none-two\n"
    assert supervisor.stop() == 0


# ---- in the background ----


@pytest.fixture
def daemon(supervisor):
    """Start in the background, and tell its pid when it has said that it runs. Ended at the end, if it is there then."""
    conf = "[supervisord]\nlogfile = {dir}/supervisord.log\npidfile = {dir}/supervisord.pid\nchildlogdir = {dir}\n"
    pids = []

    def start(text, *arguments, keys=""):
        supervisor.conf.write_text((conf + keys + "\n" + text).replace("{dir}", str(supervisor.dir)))
        done = subprocess.run([supervisor.program, "-c", supervisor.conf, *arguments], cwd=supervisor.dir, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=watching.LIMIT)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        watching.wait_file(supervisor.log, lambda content: b"started with pid" in content)
        pids.append(int((supervisor.dir / "supervisord.pid").read_text()))
        return pids[-1]
    yield start
    for pid in pids:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
        watching.wait_end(pid)


def status_of(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path("/proc/%d/status" % pid).read_text().splitlines() if ":\t" in line)


def test_in_the_background_it_is_a_daemon(supervisor, daemon, tmp_path):
    (tmp_path / "root").mkdir()
    pid = daemon(SLEEPER, keys="directory = {dir}/root\numask = 027\n")
    assert "supervisord started with pid %d" % pid in supervisor.log.read_text()
    assert "daemonizing the supervisord process" in supervisor.log.read_text()
    assert os.getsid(pid) == pid != os.getsid(0)
    assert os.readlink("/proc/%d/cwd" % pid) == str(tmp_path / "root")
    assert int(status_of(pid)["Umask"], 8) == 0o027
    for fd in 0, 1, 2:
        assert os.readlink("/proc/%d/fd/%d" % (pid, fd)) == "/dev/null"
    content = watching.wait_file(supervisor.log, lambda content: b"spawned: 'x'" in content)
    program = int(re.search(rb"spawned: 'x' with pid (\d+)", content)[1])
    watching.wait_exec(program)
    assert os.readlink("/proc/%d/cwd" % program) == str(tmp_path / "root")
    assert os.getsid(program) == pid and os.getpgid(program) == program
    os.kill(pid, signal.SIGTERM)
    watching.wait_end(pid)
    assert not (tmp_path / "supervisord.pid").exists()


def test_without_a_directory_a_daemon_stays_where_it_was(supervisor, daemon):
    pid = daemon(SLEEPER)
    assert os.readlink("/proc/%d/cwd" % pid) == str(supervisor.dir)


def test_a_daemon_that_is_refused_says_so_where_it_was_called(supervisor):
    """The second one on a configuration; supervisord only finds out by its socket. It leaves what is the first one's alone."""
    supervisor.start(SLEEPER + "stdout_logfile = AUTO\n")
    _, pid = supervisor.wait_spawned("x")
    second = subprocess.run([supervisor.program, "-c", supervisor.conf, "-n"], cwd=supervisor.dir, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=watching.LIMIT)
    assert second.returncode == 2
    assert second.stderr.strip()
    if supervisor.is_ours:  # D2
        assert str(supervisor.pid) in second.stderr and "pid" in second.stderr
        assert list(supervisor.dir.glob("x-stdout---supervisor-*.log"))
        assert (supervisor.dir / "supervisord.pid").read_text() == "%d\n" % supervisor.pid
    assert supervisor.stop() == 0


# ---- limits ----


def test_minfds_raises_the_soft_limit_that_programs_have_too(supervisor):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
    try:
        supervisor.start("[program:x]\ncommand = /bin/sh -c 'ulimit -n > {dir}/x; exec sleep 1000'\nstartsecs = 0\n", "-a", "1500")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    supervisor.wait_line(r"INFO Increased RLIMIT_NOFILE limit to 1500$")
    assert watching.wait_file(supervisor.dir / "x", lambda content: content.endswith(b"\n")) == b"1500\n"
    assert supervisor.stop() == 0


def test_a_limit_that_is_high_enough_is_left_alone(supervisor):
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    supervisor.start("[program:x]\ncommand = /bin/sh -c 'ulimit -n > {dir}/x; exec sleep 1000'\nstartsecs = 0\n", "-a", "10")
    assert watching.wait_file(supervisor.dir / "x", lambda content: content.endswith(b"\n")) == b"%d\n" % soft
    assert supervisor.stop() == 0
    assert not supervisor.lines.matching("RLIMIT_NOFILE")


def test_programs_inherit_no_descriptor_but_their_three(supervisor):
    """Whatever it was started with itself."""
    supervisor.start("[program:x]\ncommand = /bin/ls /proc/self/fd\nstartsecs = 0\nautorestart = false\nstdout_logfile = {dir}/x\n")
    supervisor.wait_line(r"exited: x \(exit status 0; expected\)")
    assert supervisor.stop() == 0
    assert (supervisor.dir / "x").read_text().split() == ["0", "1", "2", "3"]  # 3: the directory itself


# ---- AUTO logs of former lives ----


@pytest.mark.parametrize("arguments", [[], ["-k"]])
def test_auto_logs_of_this_identifier_are_removed(supervisor, arguments):
    logs = {"x-stdout---me-abc.log": True, "x-stdout---me-abc.log.3": True, "y---me-z.log": True, "x-stdout---other-abc.log": False,
            "x-stdout---me.log": False, "x-stdout---me- .log": False}
    for name in logs:
        (supervisor.dir / name).write_text("old")
    supervisor.start("", "-i", "me", *arguments)
    assert supervisor.stop() == 0
    for name, removed in logs.items():
        assert (supervisor.dir / name).exists() == (not removed or bool(arguments)), name


def test_the_identifier_and_auto_names(supervisor):
    supervisor.start(SLEEPER, "-i", "me", supervisord="identifier = other")
    supervisor.wait_spawned("x")
    assert supervisor.stop() == 0
    names = [path.name for path in supervisor.dir.glob("x-*.log")]
    assert sorted(re.sub(r"-[a-z0-9_]{8}\.log$", "", name) for name in names) == ["x-stderr---me", "x-stdout---me"]
    for name in names:
        assert stat.S_IMODE((supervisor.dir / name).stat().st_mode) == 0o600
