"""reevectl on a terminal: line editing, completion, history, questions, colours, progress, top."""
import fcntl
import os
import re
import select
import signal
import struct
import termios
import time

import pytest
import watching

from ctl_test import PROGRAMS, REEVECTL, Both

pytestmark = pytest.mark.skipif(not REEVECTL.exists(), reason="needs reevectl")


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *argv, rows=24, columns=100, **environment):
        self.said, self.seen = b"", 0
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.fd, self.pid = master, os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                for fd in range(3):
                    os.dup2(slave, fd)
                os.execve(argv[0], [str(word) for word in argv], {"TERM": "xterm", "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"], **environment})
            finally:
                os._exit(127)
        os.close(slave)

    def read(self, seconds):
        """Take what is there; False at the end."""
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                data = os.read(self.fd, 1 << 16)
            except OSError:  # nobody has the terminal any more
                return False
            self.said += data
            return bool(data)
        return True

    def wait(self, pattern):
        """The first match behind the last one."""
        end = time.monotonic() + watching.LIMIT
        while True:
            match = re.compile(pattern.encode(), re.MULTILINE).search(self.said, self.seen)
            if match:
                self.seen = match.end()
                return match
            alive = self.read(end - time.monotonic() if time.monotonic() < end else 0)
            if not alive or time.monotonic() >= end:
                raise watching.Timeout("nothing matches %r in %r" % (pattern, self.said[self.seen:]))

    def type(self, keys):
        os.write(self.fd, keys.encode())
        return self

    def ask(self, line, pattern):
        """Type a line at the prompt; the match, and the next prompt."""
        self.type(line + "\r")
        match = self.wait(pattern)
        self.prompt()
        return match

    def prompt(self):
        """Wait until the editor has the terminal: what is typed before would be echoed by the kernel, and is no line of it yet."""
        self.wait("supervisor> ")
        end = time.monotonic() + watching.LIMIT
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            assert time.monotonic() < end
            os.sched_yield()

    def end(self):
        """Its exit status, when it has ended by itself."""
        end = time.monotonic() + watching.LIMIT
        while self.read(max(0, end - time.monotonic())):
            assert time.monotonic() < end, self.said
        status = os.waitpid(self.pid, 0)[1]
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def terminal(served):
    served.start(PROGRAMS)
    for name in "cat", "silent", "grp_00", "grp_01", "grp_02":
        served.wait_running(name)
    begun = []

    def begin(*arguments, conf=None, **more):
        begun.append(Terminal(REEVECTL, "-c", conf or served.conf, *arguments, **more))
        return begun[-1]
    begin.server = served
    yield begin
    for each in begun:
        each.close()
    served.stop()


def test_commands_and_names_are_completed(terminal):
    shell = terminal()
    shell.wait(r"silent +.*RUNNING")
    shell.prompt()
    shell.ask("vers\t", r"\n\d[0-9.]+\r")
    shell.ask("status of\t", r"\noff +.*STOPPED")
    shell.type("status grp:\t").wait(r"grp:grp_00 .*grp:\*")  # several: they are shown
    shell.wait(r"status grp:")
    shell.ask("grp_01\t", r"\ngrp:grp_01 +.*RUNNING")
    shell.ask("remove sil\t", r"still running: silent")
    assert shell.type("\x04").end() == 0


def test_the_history_stays(terminal, tmp_path):
    history = tmp_path / "history"
    history.write_text("pid nosuch\n")
    shell = terminal("-r", history)
    shell.prompt()
    shell.ask("\x1b[A", r"No such process nosuch")  # up: the line of another day
    shell.ask("pid off", r"\n0\r")
    assert shell.type("quit\r").end() == 0
    assert history.read_text().splitlines() == ["pid nosuch", "pid off", "quit"]
    conf = tmp_path / "with_history.conf"
    conf.write_text(terminal.server.conf.read_text().replace("[supervisorctl]", "[supervisorctl]\nhistory_file = %(here)s/history"))
    again = terminal(conf=conf)
    again.prompt()
    again.ask("\x1b[A\x1b[A", r"\n0\r")
    assert again.type("\x03").end() == 0  # Ctrl-C leaves, as it does in supervisorctl
    assert history.read_text().splitlines()[-1] == "pid off"


def test_it_asks_before_the_end(terminal):
    shell = terminal()
    shell.prompt()
    shell.type("shutdown\r").wait(r"Really shut the remote supervisord process down y/N\? ")
    shell.ask("n", "n")
    shell.type("shutdown\r").wait(r"y/N\? ")
    shell.ask("Yes", r"Shut down")
    assert shell.type("\x04").end() == 0
    assert terminal.server.wait() == 0
    terminal.server.run("-n", "-c", terminal.server.conf, wait=r"started with pid")  # for the fixture to end
    terminal.server.wait_running("cat")


def test_who_are_you(terminal):
    shell = terminal("-s", "unix://%s/secret.sock" % terminal.server.dir, "-i")
    for password in "wrong", "p:w%d":
        shell.wait(r"Server requires authentication")
        shell.wait(r"Username:")
        shell.type("me\r").wait(r"Password:")
        end = time.monotonic() + watching.LIMIT
        while termios.tcgetattr(shell.fd)[3] & termios.ECHO:
            assert time.monotonic() < end
            os.sched_yield()
        shell.type(password + "\r")
    shell.wait(r"cat +.*RUNNING")
    shell.prompt()
    assert b"p:w%d" not in shell.said
    assert shell.type("\x04").end() == 0


def test_ctrl_c_ends_what_goes_on_and_no_more(terminal):
    shell = terminal()
    shell.prompt()
    shell.type("tail -f grp:grp_01\r").wait(r"hello 1")
    shell.type("\x03").prompt()
    shell.type("watch\r").wait(r"(?s)\x1b\[2J.*silent")
    shell.type("\x03").prompt()
    shell.ask("pid off", r"\n0\r")
    assert shell.type("exit\r").end() == 0


def test_colours_are_for_terminals(terminal):
    shown = terminal("status")
    shown.wait(r"cat +\x1b\[32mRUNNING\x1b\[m   pid")
    assert shown.end() == 3
    plain = terminal("status", NO_COLOR="1")
    assert plain.end() == 3 and b"\x1b" not in plain.said
    assert b"\x1b" not in terminal("--json", "status").said


def test_progress_is_shown(terminal):
    """A group that does not stop until we saw that it is waited for."""
    server = terminal.server
    server.conf.write_text(server.conf.read_text() + """[program:slow]
command = sh -c 'trap "" TERM; echo ready; exec sleep 100000'
process_name = %%(program_name)s_%%(process_num)d
numprocs = 2
startsecs = 0
stopwaitsecs = 100000
stdout_logfile = %s/slow_%%(process_num)d.log
""" % server.dir)
    assert Both(server).ours("update")[0] == 0
    pids = [server.wait_spawned("slow_%d" % i)[1] for i in range(2)]
    for i in range(2):
        watching.wait_file(server.dir / ("slow_%d.log" % i), lambda content: content == b"ready\n")
    stopping = terminal("stop", "slow:*")
    stopping.wait(r"stopping 0/2")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    stopping.wait(r"slow:slow_0: .*stopped")
    assert stopping.end() == 0


def test_top(terminal):
    view = terminal("top", "0.2")
    view.wait(r"NAME +STATE +PID")
    view.wait(r"grp:grp_02")
    view.wait(r"pid \d+, uptime")
    view.type("c").type("m").type("j").type("\x1b[B").type("n").type("x")
    view.wait(r"stopping ")
    assert view.type("q").end() == 0
    assert view.said.endswith(b"\x1b>") or b"\x1b[?1049l" in view.said  # the terminal is as it was


@pytest.mark.parametrize("rows, columns", [(1, 1), (3, 10), (200, 500)])
def test_top_on_any_terminal(terminal, rows, columns):
    view = terminal("top", rows=rows, columns=columns)
    view.wait(r"\x1b\[\?1049h")
    assert view.type("jjkkq").end() == 0


def test_top_needs_a_terminal(terminal):
    assert Both(terminal.server).ours("top") == (1, "Error: top needs a terminal\n", "")
