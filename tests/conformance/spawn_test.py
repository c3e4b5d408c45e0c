"""What a program finds when it starts, and what is said when it cannot."""
import ctypes
import os
import platform
import pwd
import re
import shutil
import signal
import stat
import struct
import tempfile
import pathlib

import pytest
import watching

SYS_RT_SIGACTION = 13 if platform.machine() == "x86_64" else 134


def failing(name, command, **keys):
    return "[program:%s]\ncommand = %s\nstartretries = 0\nstartsecs = 1000\nstderr_logfile = {dir}/%s.err\n" % (name, command, name) + \
        "".join("%s = %s\n" % item for item in keys.items())


def test_what_cannot_be_started_at_all(supervisor):
    """No process is made; each is told in its words, and given up."""
    directory = supervisor.dir
    (directory / "plain").write_text("#!/bin/sh\n")
    (directory / "plain").chmod(0o644)
    (directory / "folder").mkdir()
    (directory / "bin/found").mkdir(parents=True)
    (directory / "bin/later").write_text("")
    cases = {
        "missing": ("nosuchcommand one two", {}, "can't find command 'nosuchcommand'"),
        "missing-path": ("{dir}/nowhere/x", {}, "can't find command '{dir}/nowhere/x'"),
        "folder": ("{dir}/folder", {}, "command at '{dir}/folder' is a directory"),
        "plain": ("{dir}/plain", {}, "command at '{dir}/plain' is not executable"),
        "empty": ("", {}, "command is empty"),
        "unclosed": ("sh -c 'one", {}, 'can\'t parse command "sh -c \'one": No closing quotation'),
        "escaped": ("sh one\\", {}, "can't parse command 'sh one\\\\': No escaped character"),
        "own-path": ("found", dict(environment='PATH="{dir}/bin"'), "command at '{dir}/bin/found' is a directory"),
        "not-in-own-path": ("sleep 1", dict(environment='PATH="{dir}/bin"'), "can't find command 'sleep'"),
        "first-in-path": ("later", dict(environment='PATH="{dir}/folder:{dir}/bin:/bin"'), "command at '{dir}/bin/later' is not executable"),
    }
    supervisor.start("".join(failing(name, command, **keys) for name, (command, keys, _) in cases.items()))
    for name, (_, _, message) in cases.items():
        message = message.replace("{dir}", str(directory))
        supervisor.wait_line(r"INFO spawnerr: %s$" % re.escape(message))
        supervisor.wait_line(r"INFO gave up: %s entered FATAL state, too many start retries too quickly$" % name)
    assert supervisor.stop() == 0
    assert not supervisor.lines.matching("spawned|exited")


def test_what_fails_between_fork_and_exec(supervisor):
    """There is a process, which says why into its standard error and exits with 127."""
    (supervisor.dir / "nonsense").write_text("\x7fnot a program")
    (supervisor.dir / "script").write_text("#!/nowhere/interpreter\n")
    for name in "nonsense", "script":
        (supervisor.dir / name).chmod(0o755)
    cases = {
        "nowhere": ("/bin/true", dict(directory="/nowhere/at/all"), "couldn't chdir to /nowhere/at/all: ENOENT"),
        "file": ("/bin/true", dict(directory="{dir}/script"), "couldn't chdir to {dir}/script: ENOTDIR"),
        "format": ("{dir}/nonsense", {}, "couldn't exec {dir}/nonsense: ENOEXEC"),
        "interpreter": ("{dir}/script", {}, "couldn't exec {dir}/script: ENOENT"),
        "together": ("{dir}/script", dict(redirect_stderr="true", stdout_logfile="{dir}/together.err", stderr_logfile="NONE"),
                     "couldn't exec {dir}/script: ENOENT"),
    }
    text = "".join(failing(name, command, **keys) for name, (command, keys, _) in cases.items())
    text = text.replace("stderr_logfile = {dir}/together.err\nredirect", "redirect")
    supervisor.start(text)
    for name, (_, _, message) in cases.items():
        supervisor.wait_line(r"INFO spawned: '%s' with pid \d+$" % name)
        supervisor.wait_line(r"WARN exited: %s \(exit status 127; not expected\)$" % name)
        supervisor.wait_line("gave up: %s" % name)
    assert supervisor.stop() == 0
    for name, (_, _, message) in cases.items():
        told = (supervisor.dir / (name + ".err")).read_text()
        assert told == "supervisor: %s\nsupervisor: child process was not spawned\n" % message.replace("{dir}", str(supervisor.dir))


# ---- what it finds ----

TELL = "/bin/sh -c 'env > {dir}/env; umask > {dir}/umask; pwd > {dir}/pwd; id -u > {dir}/id; id -G >> {dir}/id; exec sleep 1000'"


def environment_of(path):
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def test_environment_umask_and_directory(supervisor):
    (supervisor.dir / "work").mkdir()
    supervisor.start("[program:p]\ncommand = %s\nprocess_name = x\nstartsecs = 0\numask = 027\ndirectory = {dir}/work\n"
                     "environment = OWN=\"a,b\",BOTH=own,HOME=\"/changed\",X='%%(ENV_GIVEN)s 100%%%%'\n"
                     "[group:g]\nprograms = p\n" % TELL, supervisord='environment = BOTH="all",ALL="yes",SUPERVISOR_ENABLED="mine"',
                     env=dict(GIVEN="by the caller", USER="somebody", LOGNAME="somebody"))
    watching.wait_file(supervisor.dir / "id", lambda content: content.count(b"\n") == 2)
    assert supervisor.stop() == 0
    found = environment_of(supervisor.dir / "env")
    wanted = dict(OWN="a,b", BOTH="own", ALL="yes", HOME="/changed", X="by the caller 100%", GIVEN="by the caller", USER="somebody",
                  LOGNAME="somebody", SUPERVISOR_PROCESS_NAME="x", SUPERVISOR_GROUP_NAME="g",
                  SUPERVISOR_SERVER_URL="unix://%s/supervisor.sock" % supervisor.dir, PATH=os.environ["PATH"])
    assert {key: found.get(key) for key in wanted} == wanted
    assert found["SUPERVISOR_ENABLED"] == "mine"
    assert (supervisor.dir / "umask").read_text() == "0027\n"
    assert (supervisor.dir / "pwd").read_text() == "%s/work\n" % supervisor.dir


def test_words_of_a_command(supervisor):
    """Quotes and backslashes as in a shell, but no shell: no variables, no globs."""
    supervisor.start(r"""
[program:x]
command = /bin/sh -c 'for a; do echo "[$a]"; done > {dir}/words; exec sleep 1000' sh one "two  words" 'it''s' "a\"b" a\ b $HOME * "" "%%" ; no comment
startsecs = 0
""")
    assert watching.wait_file(supervisor.dir / "words", lambda content: content.endswith(b"[%]\n")).decode().splitlines() == [
        "[one]", "[two  words]", "[its]", '[a"b]', "[a b]", "[$HOME]", "[*]", "[]", "[%]"]
    assert supervisor.stop() == 0


def test_process_group_and_signals(supervisor):
    """Its own process group in the supervisor's session; no signal blocked; ours ignores none (D8)."""
    supervisor.start("[program:x]\ncommand = sleep 1000\nstartsecs = 0\n")
    _, pid = supervisor.wait_spawned("x")
    supervisor.wait_running("x")
    assert os.getpgid(pid) == pid
    assert os.getsid(pid) == os.getsid(supervisor.pid)
    status = pathlib.Path("/proc/%d/status" % pid).read_text()
    masks = {name: int(value, 16) for name, value in re.findall(r"^(Sig\w\w\w):\s+([0-9a-f]+)$", status, re.MULTILINE)}
    assert masks["SigBlk"] == 0
    assert masks["SigIgn"] == (0 if supervisor.is_ours else 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))
    assert supervisor.stop() == 0


def test_what_the_caller_ignores_is_not_handed_on(reeved):
    """Neither what nohup(1) and shells ignore, nor what GNU make 4.3 does: the C library's own 32 and 33."""
    sigaction = ctypes.CDLL(None).syscall
    ignore, default = (struct.pack("@QQQQ", handler, 0, 0, 0) for handler in (1, 0))
    ignored = [signal.SIGHUP, signal.SIGTTOU, signal.SIGUSR1, signal.SIGRTMAX, 32, 33]
    for signo in ignored:
        assert sigaction(SYS_RT_SIGACTION, signo, ignore, None, 8) == 0
    try:
        reeved.start("[program:x]\ncommand = sleep 1000\nstartsecs = 0\n")
    finally:
        for signo in ignored:
            sigaction(SYS_RT_SIGACTION, signo, default, None, 8)
    _, pid = reeved.wait_spawned("x")
    reeved.wait_running("x")
    status = pathlib.Path("/proc/%d/status" % pid).read_text()
    assert re.findall(r"^Sig(?:Blk|Ign|Pnd):\s+(\w+)$", status, re.MULTILINE) == ["0" * 16] * 3
    os.kill(reeved.pid, signal.SIGHUP)
    reeved.wait_line("received SIGHUP indicating restart request")
    assert reeved.stop() == 0


# ---- users ----


@pytest.fixture
def open_folder(supervisor):
    """The supervisor in a folder that others can get into."""
    folder = pathlib.Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    supervisor.dir, supervisor.conf, supervisor.log = folder, folder / "supervisord.conf", folder / "supervisord.log"
    yield supervisor
    supervisor.clean_up()
    supervisor.process = supervisor.lines = None
    shutil.rmtree(folder)


@pytest.mark.parametrize("user", ["nobody", "name-by-number", "games"])
def test_a_program_as_another_user(open_folder, user):
    """User, group and supplementary groups; HOME and USER stay as they were."""
    if os.getuid() != 0:
        pytest.skip("for root")
    entry = pwd.getpwnam(user if user != "name-by-number" else "nobody")
    open_folder.start("[program:x]\ncommand = %s\nuser = %s\nstartsecs = 0\n" % (TELL, entry.pw_uid if "number" in user else user),
                      env=dict(USER="root", HOME="/root"))
    watching.wait_file(open_folder.dir / "id", lambda content: content.count(b"\n") == 2)
    assert open_folder.stop() == 0
    uid, groups = (open_folder.dir / "id").read_text().splitlines()
    assert int(uid) == entry.pw_uid
    assert set(map(int, groups.split())) == set(os.getgrouplist(entry.pw_name, entry.pw_gid))
    found = environment_of(open_folder.dir / "env")
    assert (found["USER"], found["HOME"]) == ("root", "/root")


def test_the_whole_as_another_user(open_folder):
    """Programs inherit it, may name it, and may name no other."""
    if os.getuid() != 0:
        pytest.skip("for root")
    open_folder.start("[program:x]\ncommand = %s\nstartsecs = 0\n[program:same]\ncommand = sleep 1000\nuser = nobody\nstartsecs = 0\n" % TELL +
                      failing("other", "/bin/true", user="games"), supervisord="user = nobody")
    uid = pwd.getpwnam("nobody").pw_uid
    open_folder.wait_line(r"INFO Set uid to user %d succeeded$" % uid)
    watching.wait_file(open_folder.dir / "id", lambda content: content.count(b"\n") == 2)
    open_folder.wait_running("same")
    open_folder.wait_line("gave up: other")
    assert open_folder.stop() == 0
    assert (open_folder.dir / "id").read_text().splitlines()[0] == str(uid)
    assert open_folder.log.stat().st_uid == uid
    other = pwd.getpwnam("games").pw_uid
    assert (open_folder.dir / "other.err").read_text() == (
        "supervisor: couldn't setuid to %d: Can't drop privilege as nonroot user\nsupervisor: child process was not spawned\n" % other)


def test_a_command_that_only_others_may_run(open_folder):
    if os.getuid() != 0:
        pytest.skip("for root")
    path = open_folder.dir / "private"
    path.write_text("#!/bin/sh\n")
    path.chmod(stat.S_IRWXU)
    open_folder.start(failing("x", "{dir}/private"), supervisord="user = nobody")
    open_folder.wait_line(r"spawnerr: no permission to run command '%s'$" % path)
    open_folder.wait_line("gave up: x")
    assert open_folder.stop() == 0
