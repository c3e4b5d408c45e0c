"""Waiting for what happens, never for time to pass: lines on a pipe, changes of a file, the end of a process."""
import ctypes
import os
import re
import select
import signal
import time

LIMIT = 60.0 * float(os.environ.get("REEVE_SLOWER", "1"))

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_CHILD_SUBREAPER = 36
_IN_CHANGED = 0x2 | 0x8 | 0x80 | 0x100  # IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE


class Timeout(AssertionError):
    """What was waited for did not happen; says what did."""


class Lines:
    """The lines that arrive on a descriptor. Each is kept."""

    def __init__(self, fd):
        self.fd, self.lines, self.rest, self.ended = fd, [], b"", False

    def read(self, seconds):
        """Take what is there, waiting at most so long for it; False if nothing came."""
        if self.ended or not select.select([self.fd], [], [], max(0, seconds))[0]:
            return False
        data = os.read(self.fd, 1 << 16)
        if not data:
            self.ended = True
            return False
        *whole, self.rest = (self.rest + data).split(b"\n")
        self.lines += [line.decode(errors="replace") for line in whole]
        return True

    def wait(self, pattern, after=0, limit=None):
        """The first line from number `after` on that matches, as (its number, the match). Waits until it comes."""
        end, number = time.monotonic() + (limit or LIMIT), after
        while True:
            for number in range(number, len(self.lines)):
                match = re.search(pattern, self.lines[number])
                if match:
                    return number, match
            number = max(after, len(self.lines))
            if not self.read(end - time.monotonic()) and (self.ended or time.monotonic() >= end):
                raise Timeout("no line matches %r from line %d on in:\n%s" % (pattern, after, "\n".join(self.lines) or "(nothing)"))

    def matching(self, pattern):
        """Every match so far, in order."""
        return [match for match in (re.search(pattern, line) for line in self.lines) if match]


class Fifo(Lines):
    """A FIFO that programs under test write lines to: who started, what it inherited, when it ended."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = str(path)
        super().__init__(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))  # open for writing too: it never ends

    def close(self):
        os.close(self.fd)


def wait_file(path, holds, limit=None):
    """Wait until `holds(bytes of the file)` is true, looking again whenever something changes in its folder."""
    path, end = str(path), time.monotonic() + (limit or LIMIT)
    fd = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        assert _libc.inotify_add_watch(fd, os.path.dirname(path).encode(), _IN_CHANGED) >= 0
        while True:
            content = None
            try:
                with open(path, "rb") as file:
                    content = file.read()
            except FileNotFoundError:  # not yet, or just being rotated
                pass
            if content is not None and holds(content):
                return content
            if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
                raise Timeout("%s never held what was waited for; in the end: %r" % (path, content))
            os.read(fd, 1 << 16)
    finally:
        os.close(fd)


def wait_end(pid, limit=None):
    """Wait until a process, anyone's child, has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([fd], [], [], limit or LIMIT)[0]:
            raise Timeout("process %d is still there" % pid)
    finally:
        os.close(fd)


def wait_exec(pid, limit=None):
    """Wait until a process that its parent forked is a program of its own, or has ended. Of that nobody can be told; until then a
    signal whose handler it shares with its parent is lost."""
    end = time.monotonic() + (limit or LIMIT)
    while True:
        try:
            with open("/proc/%d/stat" % pid, "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
            with open("/proc/%d/cmdline" % pid, "rb") as mine, open("/proc/%d/cmdline" % int(parent), "rb") as its:
                if state in b"ZX" or mine.read() != its.read():
                    return
        except (FileNotFoundError, ProcessLookupError):
            return
        if time.monotonic() >= end:
            raise Timeout("process %d never executed a program" % pid)
        os.sched_yield()


def adopt_orphans():
    """What our children leave behind becomes ours, so that a test sees it."""
    assert _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def processes():
    """{pid: (its parent, the letter of its state)} of every process there is."""
    table = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        table[int(name)] = (int(parent), state.decode())
    return table


def wait_reaped(parent, limit=None):
    """Wait until a process has reaped each of its children that has ended. Of that nobody can be told."""
    end = time.monotonic() + (limit or LIMIT)
    while any(mother == parent and state == "Z" for mother, state in processes().values()):
        if time.monotonic() >= end:
            raise Timeout("process %d does not reap its children" % parent)
        os.sched_yield()


def is_dying(pid):
    """Whether it was sent a signal that ends it: the kernel makes that a SIGKILL for each thread, which waits for a processor."""
    with open("/proc/%d/status" % pid) as file:
        return any(int(line.split()[1], 16) & 1 << signal.SIGKILL - 1 for line in file if line.startswith(("SigPnd:", "ShdPnd:")))


def children_of(pid):
    return [child for child, (parent, _) in processes().items() if parent == pid]


def descendants_of(pid):
    """The living children of a process, theirs, and so on."""
    table, found = processes(), [pid]
    for parent in found:
        found += [child for child, (its_parent, state) in table.items() if its_parent == parent and state not in "ZX"]
    return found[1:]
