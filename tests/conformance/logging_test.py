"""Where the output of programs goes."""
import fcntl
import os
import re
import signal
import socket
import stat
import subprocess
import tempfile

import pytest
import watching


def program(name, shell, **keys):
    """It says that it is done in a file of its own, and stays."""
    return "[program:%s]\ncommand = /bin/sh -c '%s; touch {dir}/%s.done; exec sleep 1000'\nstartsecs = 0\n" % (name, shell, name) + \
        "".join("%s = %s\n" % item for item in keys.items())


def wait_done(supervisor, *names):
    for name in names:
        watching.wait_file(supervisor.dir / (name + ".done"), lambda content: content is not None)


def test_files_and_their_modes(supervisor):
    """Named ones by the umask, AUTO ones for the owner alone, NONE nowhere; what is appended to is not cut."""
    (supervisor.dir / "kept.log").write_text("before\n")
    supervisor.start(
        program("named", "echo one; echo two >&2", stdout_logfile="{dir}/named.log", stderr_logfile="{dir}/named.err") +
        program("kept", "echo after", stdout_logfile="{dir}/kept.log") +
        program("auto", "echo auto", stderr_logfile="NONE") +
        program("none", "echo lost; echo lost >&2", stdout_logfile="NONE", stderr_logfile="off") +
        program("both", "echo one; echo two >&2; echo three", redirect_stderr="true", stdout_logfile="{dir}/both.log"))
    wait_done(supervisor, "named", "kept", "auto", "none", "both")
    assert supervisor.stop() == 0
    assert (supervisor.dir / "named.log").read_bytes() == b"one\n"
    assert (supervisor.dir / "named.err").read_bytes() == b"two\n"
    assert (supervisor.dir / "kept.log").read_bytes() == b"before\nafter\n"
    assert (supervisor.dir / "both.log").read_bytes() == b"one\ntwo\nthree\n"
    assert stat.S_IMODE((supervisor.dir / "named.log").stat().st_mode) == 0o644
    auto = [path for path in supervisor.dir.iterdir() if re.fullmatch(r"\w+-std\w+---supervisor-\w{8}\.log", path.name)]
    assert sorted(path.name.split("---")[0] for path in auto) == ["auto-stdout", "kept-stderr"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in auto} == {0o600}


@pytest.mark.parametrize("backups", [0, 1, 3])
def test_rotation(supervisor, backups):
    """Shifted when it reaches its size; the lines that are left are the last ones, in order, none twice."""
    supervisor.start(program("x", "for i in 1 2 3 4 5 6; do n=0; while [ $n -lt 50 ]; do n=$((n + 1)); echo $i-$n-0123456789; done; "
                             "sleep 0.1; done", stdout_logfile="{dir}/x.log", stdout_logfile_maxbytes="500",
                             stdout_logfile_backups=backups))
    wait_done(supervisor, "x")
    assert supervisor.stop() == 0
    names = ["x.log"] + ["x.log.%d" % (i + 1) for i in range(backups)]
    assert sorted(path.name for path in supervisor.dir.glob("x.log*")) == sorted(names)
    content = b"".join((supervisor.dir / name).read_bytes() for name in reversed(names))
    whole = b"".join(b"%d-%d-0123456789\n" % (i, n) for i in range(1, 7) for n in range(1, 51))
    assert whole.endswith(content)
    assert all((supervisor.dir / name).stat().st_size >= 500 for name in names[1:])


def test_a_backup_that_is_missing_is_passed_over(supervisor):
    for number in 1, 3:
        (supervisor.dir / ("x.log.%d" % number)).write_text("old %d\n" % number)
    (supervisor.dir / "x.log").write_text("first\n")
    supervisor.start(program("x", "echo second", stdout_logfile="{dir}/x.log", stdout_logfile_maxbytes="8", stdout_logfile_backups=3))
    wait_done(supervisor, "x")
    assert supervisor.stop() == 0
    assert {path.name: path.read_text() for path in supervisor.dir.glob("x.log*")} == {
        "x.log": "", "x.log.1": "first\nsecond\n", "x.log.2": "old 1\n", "x.log.3": "old 3\n"}


def test_without_a_limit_nothing_is_rotated(supervisor):
    supervisor.start(program("x", "n=0; while [ $n -lt 300 ]; do n=$((n + 1)); echo 0123456789; done", stdout_logfile="{dir}/x.log",
                             stdout_logfile_maxbytes="0", stdout_logfile_backups="3"))
    wait_done(supervisor, "x")
    assert supervisor.stop() == 0
    assert (supervisor.dir / "x.log").read_bytes() == b"0123456789\n" * 300
    assert not (supervisor.dir / "x.log.1").exists()


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/dev/stderr", "/dev/fd/2"])
def test_output_to_the_supervisors_own(supervisor, path):
    supervisor.start(program("x", "echo hello from x", stdout_logfile=path, stdout_logfile_maxbytes=0))
    supervisor.wait_line(r"^hello from x$")
    wait_done(supervisor, "x")
    assert supervisor.stop() == 0


def test_output_to_dev_null_and_to_a_fifo(supervisor):
    fifo = watching.Fifo(supervisor.dir / "fifo")
    supervisor.start(program("null", "echo lost", stdout_logfile="/dev/null", stdout_logfile_maxbytes=0) +
                     program("x", "echo through", stdout_logfile="{dir}/fifo", stdout_logfile_maxbytes=0))
    fifo.wait("^through$")
    wait_done(supervisor, "null")
    assert supervisor.stop() == 0
    fifo.close()


def test_colours_are_taken_out(supervisor):
    say = r'printf "\033[31mred\033[0m plain \033[1;32mgreen\033[m\033[2J\033[H\n"'
    supervisor.start(program("x", say.replace("%", "%%"), stdout_logfile="{dir}/x.log"), "-t")
    watching.wait_file(supervisor.dir / "x.log", lambda content: content.endswith(b"\n"))
    assert supervisor.stop() == 0
    assert (supervisor.dir / "x.log").read_bytes() == b"red plain green\n"


def test_without_strip_ansi_every_byte_is_kept(supervisor):
    supervisor.start(program("x", r'printf "\033[31mred\033[0m\000\377\r\n"', stdout_logfile="{dir}/x.log"))
    watching.wait_file(supervisor.dir / "x.log", lambda content: content.endswith(b"\n"))
    assert supervisor.stop() == 0
    assert (supervisor.dir / "x.log").read_bytes() == b"\x1b[31mred\x1b[0m\0\xff\r\n"


def test_two_programs_to_one_file(supervisor):
    """Whole lines of both, none lost."""
    count = "n=0; while [ $n -lt 500 ]; do n=$((n + 1)); echo %s $n; done"
    supervisor.start("".join(program(name, count % name, stdout_logfile="{dir}/x.log", stdout_logfile_maxbytes=0) for name in ("a", "b")))
    wait_done(supervisor, "a", "b")
    assert supervisor.stop() == 0
    lines = (supervisor.dir / "x.log").read_text().splitlines()
    for name in "a", "b":
        assert [line for line in lines if line.startswith(name)] == ["%s %d" % (name, i) for i in range(1, 501)]
    assert len(lines) == 1000


def test_usr2_after_a_move(supervisor):
    """As logrotate does it."""
    fifo = supervisor.dir / "go"
    os.mkfifo(fifo)
    fd = os.open(fifo, os.O_RDWR)
    supervisor.start("[program:x]\ncommand = /bin/sh -c 'while read line; do echo $line; done < {dir}/go'\nstartsecs = 0\n"
                     "stdout_logfile = {dir}/x.log\n")
    os.write(fd, b"one\n")
    watching.wait_file(supervisor.dir / "x.log", lambda content: content == b"one\n")
    (supervisor.dir / "x.log").rename(supervisor.dir / "moved.log")
    os.write(fd, b"two\n")
    watching.wait_file(supervisor.dir / "moved.log", lambda content: content == b"one\ntwo\n")
    supervisor.send(signal.SIGUSR2)
    watching.wait_file(supervisor.dir / "x.log", lambda content: content == b"")
    os.write(fd, b"three\n")
    watching.wait_file(supervisor.dir / "x.log", lambda content: content == b"three\n")
    assert (supervisor.dir / "moved.log").read_bytes() == b"one\ntwo\n"
    assert supervisor.stop() == 0
    os.close(fd)


def test_what_is_written_last_is_there(supervisor):
    """Also by a program that ends at once, and by one that is told to end."""
    supervisor.start("[program:brief]\ncommand = /bin/sh -c 'echo last words; exit 0'\nstartsecs = 0\nstdout_logfile = {dir}/brief.log\n" +
                     "[program:told]\ncommand = /bin/sh -c 'trap \"echo bye; exit 0\" TERM; touch {dir}/told.done; read x; exit 99'\n"
                     "startsecs = 0\nstdout_logfile = {dir}/told.log\n"
                     "[program:large]\ncommand = /bin/sh -c 'head -c 3000000 /dev/zero; exit 0'\nstartsecs = 0\n"
                     "stdout_logfile = {dir}/large.log\n")
    wait_done(supervisor, "told")
    supervisor.wait_line("exited: brief")
    supervisor.wait_line("exited: large")
    assert supervisor.stop() == 0
    assert (supervisor.dir / "brief.log").read_bytes() == b"last words\n"
    assert (supervisor.dir / "told.log").read_bytes() == b"bye\n"
    assert (supervisor.dir / "large.log").stat().st_size == 3000000


@pytest.fixture
def syslog(tmp_path):
    """A socket of ours as /dev/log, one test at a time."""
    if os.getuid() != 0:
        pytest.skip("for root")
    path = tmp_path / "log.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server, open(tempfile.gettempdir() + "/dev-log.lock", "w") as lock:
        server.bind(str(path))
        server.settimeout(watching.LIMIT)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.lexists("/dev/log"):
            pytest.skip("this machine has a syslog of its own")
        os.symlink(path, "/dev/log")
        try:
            yield server
        finally:
            os.unlink("/dev/log")


def test_syslog(supervisor, syslog):
    """A record a line, with the program's name; also together with a file."""
    supervisor.start(program("x", "echo one; echo two; echo three >&2", stdout_syslog="true", stderr_syslog="true",
                             stdout_logfile="{dir}/x.log"))
    records = [syslog.recv(4096) for _ in range(3)]
    wait_done(supervisor, "x")
    assert supervisor.stop() == 0
    assert sorted(re.search(rb"x (\w+)\W*$", record)[1] for record in records) == [b"one", b"three", b"two"]
    assert all(record.startswith(b"<14>") for record in records)  # facility user, priority info
    assert (supervisor.dir / "x.log").read_bytes() == b"one\ntwo\n"


def test_a_log_that_cannot_be_written_does_not_stop_its_program(reeved):
    """supervisord gives the program up; ours runs it, and says what is lost."""
    folder = reeved.dir / "folder"
    folder.mkdir()
    reeved.start(program("x", "echo one", stdout_logfile="{dir}/folder"))
    reeved.wait_running("x")
    wait_done(reeved, "x")
    reeved.wait_line(r"(WARN|ERRO|CRIT) .*%s" % folder)
    assert reeved.status() == {"x": "RUNNING"}
    assert reeved.stop() == 0


def test_none_of_it_waits_for_a_reader_that_does_not_read(reeved):
    """A program that writes to a FIFO nobody empties; the others go on."""
    fifo = reeved.dir / "fifo"
    os.mkfifo(fifo)
    fd = os.open(fifo, os.O_RDWR)
    reeved.start("[program:stuck]\ncommand = cat /dev/zero\nstartsecs = 0\nstdout_logfile = {dir}/fifo\nstdout_logfile_maxbytes = 0\n" +
                 program("free", "echo one", stdout_logfile="{dir}/free.log"))
    watching.wait_file(reeved.dir / "free.log", lambda content: content == b"one\n")
    reeved.wait_running("stuck")
    assert reeved.status() == {"stuck": "RUNNING", "free": "RUNNING"}
    os.close(fd)
    assert reeved.stop() == 0


def test_standard_input_is_open_and_empty(supervisor):
    """A program that reads it waits; it finds no end."""
    supervisor.start("[program:x]\ncommand = /bin/sh -c 'cat; echo ended > {dir}/ended'\nstartsecs = 1\n")
    supervisor.wait_running("x")
    assert supervisor.stop() == 0
    assert not (supervisor.dir / "ended").exists()


def test_output_that_is_held_open_by_a_grandchild(supervisor, reports):
    """The program has ended and comes again, though its output is still open; what comes from there later arrives, too."""
    os.mkfifo(supervisor.dir / "go")
    supervisor.start("[program:x]\ncommand = /bin/sh -c '[ -e {dir}/again ] && exec sleep 1000; touch {dir}/again; "
                     "(read go < {dir}/go; echo late) & echo early; exit 1'\nstartsecs = 0\nstdout_logfile = {dir}/x.log\n")
    first, _ = supervisor.wait_line("exited: x")
    supervisor.wait_spawned("x", after=first)
    subprocess.run(["sh", "-c", "echo > %s/go" % supervisor.dir], check=True, timeout=watching.LIMIT)
    if supervisor.is_ours:  # a pipe a stream, not a pipe a process
        watching.wait_file(supervisor.dir / "x.log", lambda content: content == b"early\nlate\n")
    else:
        watching.wait_file(supervisor.dir / "x.log", lambda content: content.startswith(b"early\n"))
    assert supervisor.stop() == 0
