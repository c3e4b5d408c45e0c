"""reevectl beside the real supervisorctl, on one server, which is the real supervisord first and then reeved: the same command lines
give the same output and exit status, to the byte but for what is told in `alike`."""
import json
import os
import re
import shutil
import subprocess

import pytest
import watching

from conftest import BUILD, ROOT

REEVECTL = BUILD / "src/supervisor/ctl/reevectl"
SUPERVISORCTL = shutil.which("supervisorctl")
pytestmark = pytest.mark.skipif(not REEVECTL.exists() or not SUPERVISORCTL, reason="needs reevectl and supervisorctl")

# startsecs: no start is late or early by a race.
PROGRAMS = """
[program:cat]
command = cat
startsecs = 0
stdout_logfile = {dir}/cat.log
stderr_logfile = {dir}/cat.err
[program:off]
command = sleep 100000
autostart = false
startsecs = 0
[program:grp]
command = sh -c 'echo hello %(process_num)d; echo oops >&2; exec sleep 100000'
numprocs = 3
process_name = %(program_name)s_%(process_num)02d
startsecs = 0
stdout_logfile = {dir}/%(program_name)s_%(process_num)d.log
stderr_logfile = {dir}/%(program_name)s_%(process_num)d.err
[program:a_process_whose_name_is_longer_than_a_column]
command = sleep 100000
startsecs = 0
autostart = false
[program:silent]
command = sleep 100000
startsecs = 0
stdout_logfile = none
[program:missing]
command = /nonexistent/program
autostart = false
[program:plain]
command = /etc/passwd
autostart = false
[program:false]
command = /bin/false
autostart = false
startsecs = 60
startretries = 0
[unix_http_server:secret]
file = {dir}/secret.sock
username = me
password = p:w%%d
"""


def alike(said):
    """What two clients may tell differently: time passes between them, and the places in supervisorctl's source are not ours."""
    said = re.sub(r"uptime [^\n]*", "uptime T", said)
    said = re.sub(r"^(error: .*): file: \S+ line: \d+$", r"\1", said, flags=re.MULTILINE)
    return re.sub(r"For help, use \S+ -h", "For help, use X -h", said)


def in_any_order(said):
    """Of a call for several processes: supervisord lists them as they get ready."""
    return sorted(alike(said).splitlines())


class Both:
    """The two clients of one server."""

    def __init__(self, server):
        self.server, self.dir = server, server.dir

    def run(self, program, line, stdin="", **environment):
        done = subprocess.run("%s -c %s %s" % (program, self.server.conf, line), shell=True, input=stdin, cwd=self.dir,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=watching.LIMIT * 2, encoding="utf-8",
                              errors="surrogateescape", env=dict(os.environ, LC_ALL="C.UTF-8", **environment))
        return done.returncode, done.stdout, done.stderr

    def ours(self, line, **more):
        return self.run(REEVECTL, line, **more)

    def prepare(self, steps):
        for step in steps:
            if callable(step):
                step()
            else:
                self.run(SUPERVISORCTL, step)

    def difference(self, line, before=(), look=alike, **more):
        """None, or how the two differ; each after the same preparation."""
        answers = []
        for program in SUPERVISORCTL, REEVECTL:
            self.prepare(before)
            status, out, said = self.run(program, line, **more)
            # supervisorctl's status tells of the failure that it heard of last
            answers.append((bool(status) if look is in_any_order else status, look(out), look(said)))
        return None if answers[0] == answers[1] else "%s:\n  supervisorctl %r\n  reevectl      %r" % (line, *answers)

    def same(self, *lines, **more):
        differences = [found for found in (self.difference(line, **more) for line in lines) if found]
        assert not differences, "\n".join(differences)


@pytest.fixture
def both(served):
    served.start(PROGRAMS)
    for name in "grp_0.log", "grp_1.log", "grp_2.log":
        watching.wait_file(served.dir / name, lambda content: content.endswith(b"\n"))
    for name in "grp_0.err", "grp_1.err", "grp_2.err":
        watching.wait_file(served.dir / name, lambda content: content.endswith(b"\n"))
    for name in "cat", "silent", "grp_00":
        served.wait_running(name)
    yield Both(served)
    served.stop()


def first_line(said):
    """Without the help that follows: its words are ours."""
    return alike(said).partition("\n")[0]


def test_what_only_asks(both):
    both.same("status", "status nosuch", "status 'grp:*' off", "status g:* x:y", "status all cat", "status grp: grp:grp_01",
              "pid", "pid cat", "pid all", "pid nosuch off", "pid 'grp:*'", "version", "avail")


def test_names_and_words(both):
    both.same("'status cat'", "status 'cat  off'", "'  '", "'pid cat' off", "foo bar", "'!x'", "'-- status'", "-- status cat", "'?foo'",
              "help foo", "quit", "exit", "EOF", "open ftp://x", "open", "open unix://{dir}/supervisor.sock".format(dir=both.dir))


def test_start_and_stop(both):
    both.same("stop cat", "stop grp:grp_01 silent", "restart cat", "restart cat off", before=["start cat grp:* silent", "stop off"])
    both.same("stop 'grp:*'", "restart 'grp:*'", before=["start grp:*"], look=in_any_order)
    both.same("start off", "start off cat", "stop off", before=["stop off", "start cat"])
    both.same("start grp:", before=["stop grp:*"], look=in_any_order)


def test_start_and_stop_of_all(both):
    both.same("start all", before=["stop all", "start cat"], look=in_any_order)
    both.same("stop all", before=["stop all", "start cat silent grp:*"], look=in_any_order)


def test_start_and_stop_that_fail(both):
    both.same("start missing", "start plain", "start false", "start cat", "start nosuch", "start 'no:*'", "start no:x", "stop off",
              "stop nosuch", "stop 'no:*'", "restart nosuch", "restart off missing", "start missing nosuch cat", "start 'no:*' missing",
              before=["stop off"])


def test_signals(both):
    both.same("signal 0 cat", "'signal CONT' cat", "signal SIGCONT 'grp:*'", "signal 0 all", "signal HUP off", "signal FOO cat", "signal FOO off",
              "signal TERM no:*", "signal TERM no:x", "signal 0 cat off nosuch", "signal 999 cat", "signal cont grp:grp_01")


def test_logs(both):
    both.same("tail grp:grp_00", "tail -3 grp:grp_01", "tail --3 grp:grp_01", "tail -0 grp:grp_01", "tail grp:grp_00 stderr", "tail grp:grp_00 STDERR",
              "tail -2 grp:grp_00 stderr", "tail nosuch", "tail silent", "tail 'grp:*'", "tail grp:grp_00 foo", "tail -x cat", "tail -f", "tail -",
              "maintail foo", "maintail -x", "clear cat", "clear nosuch", "clear grp:grp_00 nosuch", "clear all")


def test_the_main_log(both):
    """It grows with what is asked, so that only an end of a fixed length is compared; and that is the same line each time."""
    for line in "maintail", "maintail -100", "maintail -5":
        status, out, said = both.ours(line)
        assert status == 0 and said == "" and out.endswith("\n\n" if line != "maintail -0" else "\n")
    assert len(both.ours("maintail -5")[1]) == 6


def test_bytes_of_every_kind_in_a_log(both):
    (both.dir / "cat.log").write_bytes(b"caf\xc3\xa9 <b>&amp;</b> ]]> \xe2\x82\xac\ttab\n")
    both.same("tail cat")
    (both.dir / "cat.log").write_bytes(b"a\x01b\n")  # supervisorctl fails on this
    status, out, _ = both.ours("tail cat")
    assert status == 0 and out in ("a?b\n\n", "a\ufffdb\n\n")


def test_foreground_that_is_refused(both):
    both.same("fg a b", "fg nosuch", "fg off", "fg 'grp:*'")


def test_the_foreground(both):
    """What is typed reaches the process; its end leaves it. (supervisorctl's thread may lose what comes late.)"""
    status, out, _ = both.ours("fg cat", stdin="")
    assert (status, out.splitlines()[0], out.splitlines()[-1]) == (0, "==> Press Ctrl-C to exit <==", "Exiting foreground")
    both.ours("fg cat", stdin="hello\nagain")
    watching.wait_file(both.dir / "cat.log", lambda content: content == b"hello\nagain\n")


def test_what_is_called_wrongly(both):
    both.same("start", "stop", "restart", "signal", "signal HUP", "clear", "tail", "tail a b c d", "maintail a b", "fg", "reread x", "avail x",
              "version x", "shutdown x", "reload x", look=first_line)


def test_groups_that_come_and_go(both):
    first = both.server.conf.read_text()
    second = first.replace("[program:off]\ncommand = sleep", "[program:off]\nenvironment = A=1\ncommand = sleep")
    second = second.replace("[program:silent]", "[program:aaa_new]\ncommand = sleep 1000\nstartsecs = 0\n[program:loud]")
    assert second != first

    def write(text):
        return lambda: both.server.conf.write_text(text)

    both.same("reread", "reread", before=[write(first), "update", write(second)])
    both.same("update", "update all", "update off", "update nosuch off", before=[write(first), "update", write(second)])
    both.same("reread", "update", "add cat", "add nosuch", "remove cat", "remove nosuch", "remove off", before=[write(first), "update"])
    both.same("add aaa_new", "add aaa_new aaa_new", "remove aaa_new", before=[write(first), "update", write(second), "reread"])
    both.same("remove off cat", "add off nosuch", before=[write(first), "update", "stop off", "add off"])
    both.same("reread", before=[write(first.replace("[program:cat]\ncommand = cat", "[program:cat]"))])
    both.server.conf.write_text(first)


def test_who_we_are(both):
    at = "-s unix://%s/secret.sock " % both.dir
    both.same(at + "status", at + "-u me -p p:w%d status", at + "-u me -p wrong pid", at + "-u me pid", at + "-u me -p p:w%d start nosuch", at + "shutdown")


def test_interactive_without_a_terminal(both):
    lines = "pid cat\n\nstart nosuch\nfoo\nshutdown\nn\nreload\nno\n!x\nstatus off\nversion"
    both.same("", stdin="")
    both.same("", "-i", stdin=lines + "\n")
    both.same("", stdin=lines)  # the last line does not end
    both.same("", stdin="quit\npid\n")
    both.same("-i version", stdin="pid\n")


def test_a_restart_of_everything(both):
    for program in SUPERVISORCTL, REEVECTL:
        seen = both.server.seen
        assert both.run(program, "reload") == (0, "Restarted supervisord\n", "")
        both.server.wait_line(r"supervisord started with pid", after=seen)
        both.server.wait_running("cat", after=seen)


@pytest.mark.parametrize("program", [SUPERVISORCTL, REEVECTL], ids=["supervisorctl", "reevectl"])
def test_the_end(served, program):
    served.start("[program:x]\ncommand = sleep 1000\nstartsecs = 0\n")
    served.wait_running("x")
    client = Both(served)
    assert client.run(program, "shutdown") == (0, "Shut down\n", "")
    assert served.wait() == 0


class Nobody:
    """A configuration whose server does not run."""

    def __init__(self, directory):
        self.dir, self.conf = directory, directory / "supervisord.conf"
        self.conf.write_text("[supervisorctl]\nserverurl = unix://%(here)s/away.sock\nprompt = who\n")


@pytest.fixture
def nobody(tmp_path):
    return Both(Nobody(tmp_path))


def test_a_server_that_is_away(nobody):
    for where in "", "-s http://127.0.0.1:1 ", "-s unix:///dev/null ", "-s ftp://x ", "-s http://nosuch.invalid ":
        nobody.same(*[where + line for line in ("status", "start x", "pid", "shutdown", "reread", "avail", "update", "add x", "remove x", "tail x", "fg x",
                                                "maintail", "version", "clear x", "signal HUP x", "restart x", "reload")])


def test_command_lines_that_are_refused(nobody):
    nobody.same("-x", "--con", "--foo status", "--interactive=1", "-s", "-s x status", "-s http:// status", "-u a -u b status", "-c y status",
                "-i -i status", "-pa -pb status", "-r", "-s unix://x -s y status")


@pytest.mark.parametrize("text", [
    "", "[supervisord]\n", "[supervisorctl]\nserverurl = unix://%(here)s/../x/./away.sock\n", "[supervisorctl]\nserverurl = unix://%(ENV_NAME)s\n",
    "[supervisorctl]\nprompt = a%%b\n", "[supervisorctl]\n[include]\nfiles = more.conf\n", "[DEFAULT]\nserverurl = unix://%(here)s/d.sock\n[supervisorctl]\n",
])
def test_what_the_configuration_says(nobody, text):
    nobody.server.conf.write_text(text)
    (nobody.dir / "more.conf").write_text("[supervisorctl]\nserverurl = unix:///included\n")
    for line in "status", "":
        nobody.same(line, NAME="/from/the/environment")


@pytest.mark.parametrize("text", ["[supervisorctl]\nserverurl = %(nowhere)s\n", "[supervisorctl]\nprompt = %(here)s\n", "[supervisorctl]\nprompt = 5%\n"])
def test_a_configuration_that_is_refused(nobody, text):
    """The words are reeve's: with file and line."""
    nobody.server.conf.write_text(text)
    assert nobody.run(SUPERVISORCTL, "status")[0] == 2
    status, out, said = nobody.ours("status")
    assert (status, out) == (2, "") and said.startswith("Error: %s:2: " % nobody.server.conf) and "For help" in said


def test_where_the_configuration_is_looked_for(tmp_path):
    (tmp_path / "etc").mkdir()
    for at in "etc/supervisord.conf", "supervisord.conf":
        (tmp_path / at).write_text("[supervisorctl]\nserverurl = unix:///%s\n" % at)
        for program in SUPERVISORCTL, REEVECTL:
            done = subprocess.run([program, "pid"], cwd=tmp_path, stdout=subprocess.PIPE, text=True, timeout=watching.LIMIT)
            assert done.stdout == "unix:///%s no such file\n" % at


# ---- what supervisorctl does not have ----

def test_help_for_everything(nobody):
    status, out, _ = nobody.ours("help")
    commands = [line.split()[0] for line in out.splitlines()]
    assert status == 0 and {"status", "start", "tail", "update", "help", "quit", "exit", "fg", "open"} <= set(commands)
    for command in commands:
        status, out, _ = nobody.ours("help " + command)
        assert status == 0 and out.startswith(command)


def test_completion_in_bash(both, tmp_path):
    here = tmp_path / "bin"
    here.mkdir()
    (here / "reevectl").symlink_to(REEVECTL)

    def complete(*words):
        script = 'source "$0"; COMP_WORDS=(reevectl "$@"); COMP_CWORD=$#; _reevectl; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "--norc", "-c", script, str(ROOT / "packaging/completions/reevectl.bash"), *map(str, words)], cwd=both.dir,
                              stdout=subprocess.PIPE, text=True, timeout=watching.LIMIT, env=dict(os.environ, PATH="%s:%s" % (here, os.environ["PATH"])))
        return set(done.stdout.split())

    assert complete("sta") == {"start", "status"} and complete("--j") == {"--json"}
    for conf in ["-c", both.server.conf], ["--configuration=%s" % both.server.conf]:
        assert complete(*conf, "stop", "grp") == {"grp:*", "grp:grp_00", "grp:grp_01", "grp:grp_02"}
        assert complete(*conf, "update", "s") == {"silent"}
    assert complete("help", "vers") == {"version"}


def test_everything_as_json(both):
    def answer(line):
        status, out, said = both.ours("--json " + line)
        found = json.loads(out)
        assert said == "" and found["exit_status"] == status and found["command"] == line.split()[0]
        return found

    found = answer("status off cat nosuch")
    assert [process["name"] for process in found["processes"]] == ["off", "cat"] and found["processes"][1]["statename"] == "RUNNING"
    assert found["results"] == [{"group": "nosuch", "name": None, "ok": False, "fault": 10, "text": "no such process"}]
    assert answer("stop cat")["results"] == [{"group": "cat", "name": "cat", "ok": True, "fault": None, "text": "stopped"}]
    assert answer("start missing")["results"][0] == {"group": "missing", "name": "missing", "ok": False, "fault": 20, "text": "no such file"}
    assert answer("pid")["pid"] == both.server.pid and answer("pid all")["pids"]["off"] == 0
    assert answer("tail grp:grp_02")["log"] == "hello 2\n"
    assert len(answer("avail")["configured"]) == 10 and answer("version")["version"]
    assert answer("start")["errors"] == ["Error: start requires a process name"]
    assert answer("nosuch")["errors"] == ["*** Unknown syntax: nosuch"]
    rows = {row["name"]: row for row in answer("top")["processes"]}
    assert rows["silent"]["memory"] > 0 and rows["silent"]["cpu_seconds"] >= 0 and rows["off"]["memory"] is None


def test_a_group_s_logs_are_cleared(both):
    """supervisorctl: `g:None: ERROR (no such process)`."""
    assert both.ours("clear 'grp:*'") == (0, "".join("grp:grp_0%d: cleared\n" % i for i in range(3)), "")
    assert both.ours("clear 'no:*'") == (1, "no: ERROR (no such group)\n", "")


class Running:
    """A client that goes on, and what it says."""

    def __init__(self, both, *arguments):
        reading, writing = os.pipe()
        self.process = subprocess.Popen([REEVECTL, "-c", both.server.conf, *arguments], stdin=subprocess.DEVNULL, stdout=writing, stderr=writing)
        os.close(writing)
        self.lines = watching.Lines(reading)

    def interrupt(self):
        self.process.send_signal(2)
        return self.process.wait(watching.LIMIT)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.lines.fd)


@pytest.fixture
def running(both):
    begun = []

    def begin(*arguments):
        begun.append(Running(both, *arguments))
        return begun[-1]
    yield begin
    for each in begun:
        each.close()


def test_a_log_is_followed(both, running):
    follower = running("tail", "-f", "cat")
    follower.lines.wait(r"^==> Press Ctrl-C to exit <==$")
    with open(both.dir / "cat.log", "ab") as log:
        log.write(b"one\ntwo\n")
    follower.lines.wait(r"^two$")
    assert follower.interrupt() == 0


def test_several_logs_are_followed(both, running):
    follower = running("tail", "-f", "grp:*", "cat")
    for name, word in ("grp:grp_00", "hello 0"), ("grp:grp_01", "hello 1"), ("grp:grp_02", "hello 2"):
        follower.lines.wait(r"^%s \| %s$" % (name, word))
    with open(both.dir / "cat.log", "ab") as log:
        log.write(b"mew\n")
    follower.lines.wait(r"^cat        \| mew$")
    assert follower.interrupt() == 0
    errors = running("--json", "tail", "-f", "grp:grp_00", "grp:grp_01", "stderr")
    number, _ = errors.lines.wait("grp_01")
    assert json.loads(errors.lines.lines[number]) == {"name": "grp:grp_01", "line": "oops"}
    assert errors.interrupt() == 0


def test_a_log_that_is_not_there_is_told(both):
    both.same("tail -f nosuch", "tail -f silent")
    status, out, said = both.ours("tail -f nosuch cat:*x")
    assert status == 4 and out == "nosuch: ERROR (no such process)\ncat:*x: ERROR (no such process)\n"


def test_changes_are_watched(both, running):
    watcher = running("watch", "cat", "off")
    watcher.lines.wait(r" off STOPPED")
    assert both.ours("stop cat")[0] == 0
    watcher.lines.wait(r" cat STOPPED")
    assert watcher.interrupt() == 0
