"""The scribe is killed while a program writes: not a line is lost, doubled or torn, and the program does not notice."""
import os
import pathlib
import signal
import sys

import watching

LINES = 150000
SPEW = """import sys, time
for number in range(%d):
    sys.stdout.write("%%099d\\n" %% number)
    if number %% 1000 == 0:
        sys.stdout.flush()
print("END", flush=True)
time.sleep(1000)
""" % LINES
KILLS = 8


def scribe_of(supervisor, other_than=None):
    """The scribe's pid, as soon as there is another one than that."""
    while True:
        for pid in watching.descendants_of(supervisor.pid):
            try:
                name = pathlib.Path("/proc/%d/comm" % pid).read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if name == "reeve-scribe\n" and pid != other_than:
                return pid


def size_of(directory):
    """About the size of all its log files: one that is just being renamed may be missed."""
    total = 0
    for path in directory.glob("log*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            pass
    return total


def test_nothing_is_lost_when_the_scribe_dies(reeved):
    (reeved.dir / "spew.py").write_text(SPEW)
    reeved.start("""[program:x]
command = %s {dir}/spew.py
startsecs = 0
stdout_logfile = {dir}/log
stdout_logfile_maxbytes = 1000000
stdout_logfile_backups = 100
""" % sys.executable)
    _, pid = reeved.wait_spawned("x")
    scribe = None
    for turn in range(KILLS):
        scribe = scribe_of(reeved, scribe)
        # in the thick of it: when it has carried some more
        watching.wait_file(reeved.dir / "log", lambda _: size_of(reeved.dir) >= turn * LINES * 100 // (KILLS + 1))
        os.kill(scribe, signal.SIGKILL)
    watching.wait_file(reeved.dir / "log", lambda content: content.endswith(b"END\n"))
    numbers = sorted((path for path in reeved.dir.glob("log*")), key=lambda path: -int(path.suffix[1:] or 0))
    content = b"".join(path.read_bytes() for path in numbers)
    assert [int(line) for line in content.split(b"\n")[:LINES]] == list(range(LINES))
    assert content.count(b"\n") == LINES + 1
    assert os.path.exists("/proc/%d" % pid)
    assert reeved.stop() == 0
