"""Log files line by line: a program that repeats what it is told shows what each single line does to them. On both."""
import os
import re
import signal
import stat
import sys

import pytest
import watching

# Repeats each line that is written to a FIFO on its standard output and, where it begins with "2", on standard error instead.
ECHO = """[program:x]
command = sh -c 'while read -r line; do case $line in 2*) echo "$line" >&2;; *) echo "$line";; esac; done <{dir}/in'
startsecs = 0
"""

# Writes numbered lines of 100 bytes as fast as it can, and END; then stays.
SPEW = """import sys, time
for number in range(int(sys.argv[1])):
    sys.stdout.write("%099d\\n" % number)
print("END", flush=True)
time.sleep(1000)
"""


class Input:
    """A FIFO that a program reads line by line."""

    def __init__(self, path):
        os.mkfifo(path)
        self.fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def say(self, line):
        os.write(self.fd, line.encode() + b"\n")


@pytest.fixture
def echo(supervisor):
    """Start ECHO with these keys; what the test says to the result comes out of the program."""
    said = Input(supervisor.dir / "in")

    def start(keys, **more):
        supervisor.start(ECHO + keys, **more)
        return said.say
    yield start
    os.close(said.fd)


def wait_text(path, text):
    return watching.wait_file(path, lambda content: content == text.encode())


def numbers(content):
    """The numbers of whole lines; what is in front of the first line end may be a rest of one."""
    return [int(line) for line in content.split(b"\n")[1:-1] if line.isdigit()]


# ---- rotation ----


def test_a_file_is_rotated_by_the_line_that_reaches_its_size(supervisor, echo):
    say = echo("stdout_logfile = {dir}/log\nstdout_logfile_maxbytes = 20\nstdout_logfile_backups = 2\n")
    files = ["", "", "", ""]  # what log, log.1, log.2 have; the last is lost
    for number in range(9):
        line = "line %d..\n" % number
        say(line.strip())
        files[0] += line
        if len(files[0]) >= 20:
            files = [""] + files[:3]
        for index, text in enumerate(files[:3]):
            if text or index == 0:
                wait_text(supervisor.dir / ("log.%d" % index if index else "log"), text)
    assert not (supervisor.dir / "log.3").exists()
    supervisor.stop()


def test_without_backups_the_file_is_emptied(supervisor, echo):
    say = echo("stdout_logfile = {dir}/log\nstdout_logfile_maxbytes = 10\nstdout_logfile_backups = 0\n")
    say("1234")
    wait_text(supervisor.dir / "log", "1234\n")
    say("5678")
    wait_text(supervisor.dir / "log", "")
    say("9")
    wait_text(supervisor.dir / "log", "9\n")
    assert not (supervisor.dir / "log.1").exists()
    supervisor.stop()


def test_what_was_there_before_is_appended_to(supervisor, echo):
    (supervisor.dir / "log").write_text("before\n")
    (supervisor.dir / "log.2").write_text("2\n")  # there is no .1: 2 stays where it is, with 2 backups
    say = echo("stdout_logfile = {dir}/log\nstdout_logfile_maxbytes = 10\nstdout_logfile_backups = 2\n")
    say("after")
    wait_text(supervisor.dir / "log.1", "before\nafter\n")
    assert (supervisor.dir / "log.2").read_text() == "2\n"
    supervisor.stop()


@pytest.mark.parametrize("limit", [500000, 0])
def test_much_is_kept_whole_and_in_order(supervisor, limit):
    lines = 30000
    (supervisor.dir / "spew.py").write_text(SPEW)
    supervisor.start("""[program:x]
command = %s {dir}/spew.py %d
startsecs = 0
stdout_logfile = {dir}/log
stdout_logfile_maxbytes = %d
stdout_logfile_backups = 3
""" % (sys.executable, lines, limit))
    log = supervisor.dir / "log"
    watching.wait_file(log, lambda content: content.endswith(b"END\n"))
    names = [name for name in ("log.3", "log.2", "log.1", "log") if (supervisor.dir / name).exists()]
    assert len(names) == (4 if limit else 1)
    content = b"".join((supervisor.dir / name).read_bytes() for name in names)
    for name in names[:-1]:
        assert limit <= (supervisor.dir / name).stat().st_size < limit + (1 << 17)
    kept = numbers(content)
    assert kept == list(range(kept[0], lines))
    supervisor.stop()


def test_own_log_is_rotated_too(supervisor, echo):
    echo("", supervisord="logfile_maxbytes = 100\nlogfile_backups = 1\n")
    supervisor.wait_spawned("x")
    supervisor.stop()
    assert (supervisor.dir / "supervisord.log.1").stat().st_size >= 100
    assert not (supervisor.dir / "supervisord.log.2").exists()


# ---- where it goes ----


def test_each_stream_has_its_file(supervisor, echo):
    say = echo("stdout_logfile = {dir}/out\nstderr_logfile = {dir}/err\n")
    say("1 to one")
    say("2 to the other")
    wait_text(supervisor.dir / "out", "1 to one\n")
    wait_text(supervisor.dir / "err", "2 to the other\n")
    supervisor.stop()


def test_standard_error_goes_along_where_it_is_redirected(supervisor, echo):
    say = echo("redirect_stderr = true\nstdout_logfile = {dir}/out\nstderr_logfile = {dir}/err\n")
    for line in "1 one", "2 two", "1 three":
        say(line)
    wait_text(supervisor.dir / "out", "1 one\n2 two\n1 three\n")
    assert not (supervisor.dir / "err").exists()
    supervisor.stop()


def test_a_log_of_its_own_choice(supervisor, echo):
    say = echo("stdout_logfile = AUTO\nstderr_logfile = NONE\n")
    say("2 nowhere")
    say("1 somewhere")
    supervisor.wait_spawned("x")
    pattern = re.compile(r"x-(stdout|stderr)---supervisor-\w{8}\.log")
    names = [name for name in os.listdir(supervisor.dir) if pattern.fullmatch(name)]
    assert len(names) == 1 and names[0].startswith("x-stdout"), names
    wait_text(supervisor.dir / names[0], "1 somewhere\n")
    assert stat.S_IMODE((supervisor.dir / names[0]).stat().st_mode) == 0o600
    supervisor.stop()


def test_two_programs_to_one_file(supervisor):
    supervisor.start("".join("""[program:%s]
command = sh -c 'for n in 1 2 3 4 5 6 7 8 9; do echo %s $n; done; exec sleep 1000'
startsecs = 0
stdout_logfile = {dir}/log
stdout_logfile_maxbytes = 0
""" % (name, name) for name in "ab"))
    content = watching.wait_file(supervisor.dir / "log", lambda content: content.count(b"\n") == 18).decode()
    for name in "ab":
        assert re.findall(name + r" (\d)\n", content) == list("123456789")
    supervisor.stop()


def test_to_the_supervisors_own_output(supervisor, echo):
    say = echo("stdout_logfile = /dev/stdout\nstdout_logfile_maxbytes = 0\nstderr_logfile = /dev/fd/2\nstderr_logfile_maxbytes = 0\n")
    say("1 out")
    supervisor.wait_line("^1 out$")
    say("2 err")
    supervisor.wait_line("^2 err$")
    supervisor.stop()


def test_escape_sequences_are_stripped_where_it_is_asked_for(supervisor, echo):
    say = echo("stdout_logfile = {dir}/log\n", supervisord="strip_ansi = true")
    say("a\033[1;31mred\033[0m \033[2Kb\033]c")
    wait_text(supervisor.dir / "log", "ared b\033]c\n")
    supervisor.stop()


# ---- what others do to the files ----


def test_files_that_were_moved_are_made_anew_on_request(supervisor, echo):
    say = echo("stdout_logfile = {dir}/log\n")
    say("before")
    wait_text(supervisor.dir / "log", "before\n")
    os.rename(supervisor.dir / "log", supervisor.dir / "old")
    say("moved")
    wait_text(supervisor.dir / "old", "before\nmoved\n")
    os.rename(supervisor.log, supervisor.dir / "old.log")
    supervisor.send(signal.SIGUSR2)
    wait_text(supervisor.dir / "log", "")
    say("anew")
    wait_text(supervisor.dir / "log", "anew\n")
    assert (supervisor.dir / "old").read_text() == "before\nmoved\n"
    assert supervisor.log.exists()
    supervisor.stop()


def test_copytruncate_leaves_no_hole(supervisor, echo):
    say = echo("stdout_logfile = {dir}/log\nstdout_logfile_maxbytes = 0\n")
    say("a long line before")
    wait_text(supervisor.dir / "log", "a long line before\n")
    os.truncate(supervisor.dir / "log", 0)
    say("after")
    wait_text(supervisor.dir / "log", "after\n")
    supervisor.stop()


def test_a_restart_goes_on_in_the_same_file(supervisor):
    supervisor.start("""[program:x]
command = sh -c 'echo once more; exit 0'
startsecs = 0
autorestart = true
stdout_logfile = {dir}/log
""")
    content = watching.wait_file(supervisor.dir / "log", lambda content: content.count(b"\n") >= 3)
    assert set(content.splitlines()) == {b"once more"}
    supervisor.stop()
