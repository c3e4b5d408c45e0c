"""Shared helpers of the benches: JSON lines, statistics, /proc reading, the start-report FIFO.

Nothing here depends on where the folder lies: paths are taken from this file's own place.
"""
import ctypes
import fcntl
import json
import math
import os
import resource
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("RB_BUILD", os.path.join(HERE, "build"))
CLK = os.sysconf("SC_CLK_TCK")


# ---------------------------------------------------------------- results

_out = None


def open_out(path):
    global _out
    if path:
        _out = open(path, "a")


def _steal_now():
    """(stolen, all) processor time so far, in ticks: what the hypervisor gave to others."""
    try:
        with open("/proc/stat") as f:
            v = [int(x) for x in f.readline().split()[1:9]]
        return v[7], v[0] + v[1] + v[2] + v[5] + v[6] + v[7]        # of the time that was wanted
    except (OSError, ValueError, IndexError):
        return None


_steal = _steal_now()
_steal_last = [None]


def emit(bench, peer, metric, value, unit, runs=None, version=None, **params):
    """Print one JSON line (and append it to --out). `value` is the median of `runs`."""
    rec = {"bench": bench, "peer": peer, "metric": metric, "value": _r(value), "unit": unit}
    if params:
        rec["params"] = {k: v for k, v in params.items() if v is not None}
    if runs is not None:
        rec["runs"] = [_r(x) for x in runs]
    if version:
        rec["version"] = version
    rec["load1"] = round(os.getloadavg()[0], 2)
    global _steal
    s = _steal_now()
    if s and _steal and s[1] - _steal[1] >= 20:
        _steal_last[0] = round(100.0 * (s[0] - _steal[0]) / (s[1] - _steal[1]), 1)
        _steal = s
    if _steal_last[0] is not None:
        rec["steal_pct"] = _steal_last[0]
    if _others:
        rec["others_pct"] = round(max(_others[-max(1, len(runs or ())):]), 1)
    line = json.dumps(rec, sort_keys=False)
    print(line, flush=True)
    if _out:
        _out.write(line + "\n")
        _out.flush()
    return rec


def _r(x):
    if isinstance(x, float):
        if not math.isfinite(x):
            return None
        return float("%.5g" % x) if abs(x) < 1e5 else round(x)
    return x


def median(xs):
    return statistics.median(xs)


def pct(xs, p):
    """Nearest-rank percentile."""
    s = sorted(xs)
    if not s:
        return float("nan")
    return s[min(len(s) - 1, max(0, math.ceil(p / 100.0 * len(s)) - 1))]


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def log(*a):
    print("#", *a, file=sys.stderr, flush=True)


def prog(name):
    """A program built by the Makefile."""
    p = os.path.join(BUILD, name)
    if not os.access(p, os.X_OK):
        raise SystemExit("%s is not built: run make in %s" % (name, os.path.basename(HERE)))
    return p


def have(name):
    return os.access(os.path.join(BUILD, name), os.X_OK)


def can_exec(d):
    """Can a script be executed in directory d (not mounted noexec)?"""
    try:
        fd, p = tempfile.mkstemp(dir=d)
        os.write(fd, b"#!/bin/sh\nexit 0\n")
        os.fchmod(fd, 0o755)
        os.close(fd)
        try:
            return subprocess.call([p]) == 0
        finally:
            os.unlink(p)
    except OSError:
        return False


def workdir(base=None):
    """A fresh short-named working directory; in memory (/dev/shm) when that is possible."""
    if base is None:
        base = "/dev/shm" if os.path.isdir("/dev/shm") and can_exec("/dev/shm") else tempfile.gettempdir()
    return tempfile.mkdtemp(prefix="rb", dir=base)


# ---------------------------------------------------------------- other users of the machine

QUIET = float(os.environ.get("RB_QUIET", "0"))      # seconds to wait for a quiet machine before each run
QUIET_PCT = float(os.environ.get("RB_QUIET_PCT", "8"))
NCPU = os.cpu_count() or 1


def _busy_ticks():
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:8]]
    return v[0] + v[1] + v[2] + v[5] + v[6]


_budget = [float(os.environ.get("RB_QUIET_TOTAL", "900"))]


def wait_quiet():
    """Wait, at most RB_QUIET seconds, until the processors have been nearly idle for a moment.
    All waits of one bench together take at most RB_QUIET_TOTAL seconds. True if it is quiet."""
    start = time.monotonic()
    end = start + min(QUIET, _budget[0])
    try:
        while QUIET and time.monotonic() < end:
            a, t = _busy_ticks(), time.monotonic()
            time.sleep(0.25)
            if 100.0 * (_busy_ticks() - a) / CLK / ((time.monotonic() - t) * NCPU) <= QUIET_PCT:
                return True
            time.sleep(0.25)
        return False
    finally:
        _budget[0] -= time.monotonic() - start


def may_repeat():
    """Is there time left to repeat a run that others disturbed?"""
    return _budget[0] > 0


class Others:
    """What processes that are not ours used of the machine, in percent of all its processors.
    What we started must have ended and been waited for; `extra` are pids of ours that go on running."""

    def __init__(self, extra=()):
        self.extra = list(extra)
        self.t, self.busy, self.own = time.monotonic(), _busy_ticks(), self._own()

    def _own(self):
        a, c = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        return a.ru_utime + a.ru_stime + c.ru_utime + c.ru_stime + sum(map(cpu_ns, self.extra)) / 1e9

    def pct(self):
        dt = max(1e-3, time.monotonic() - self.t)
        return max(0.0, 100.0 * ((_busy_ticks() - self.busy) / CLK - (self._own() - self.own)) / (dt * NCPU))


_others = []


def note_others(pct_):
    _others.append(pct_)


# ---------------------------------------------------------------- /proc

def procs():
    """{pid: (ppid, comm, state)} of every process."""
    out = {}
    for d in os.listdir("/proc"):
        if not d.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % d, "rb") as f:
                s = f.read()
        except OSError:
            continue
        l, r = s.index(b"("), s.rindex(b")")
        rest = s[r + 2:].split()
        out[int(d)] = (int(rest[1]), s[l + 1:r].decode(errors="replace"), rest[0].decode())
    return out


def descendants(root, table=None):
    """{pid: comm} of the living (not zombie) descendants of root, root excluded."""
    t = table or procs()
    kids = {}
    for pid, (ppid, _c, _s) in t.items():
        kids.setdefault(ppid, []).append(pid)
    out, todo = {}, [root]
    while todo:
        for k in kids.get(todo.pop(), ()):
            if t[k][2] not in "ZX":
                out[k] = t[k][1]
            todo.append(k)
    return out


def smaps(pid):
    """(Rss, Pss, private) KiB of a process."""
    d = {}
    with open("/proc/%d/smaps_rollup" % pid) as f:
        next(f)
        for line in f:
            k, v = line.split(":", 1)
            d[k] = int(v.split()[0])
    return d["Rss"], d["Pss"], d.get("Private_Clean", 0) + d.get("Private_Dirty", 0)


def pagetables(pid):
    """KiB of page tables: kernel memory that RSS and PSS do not show."""
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith("VmPTE:"):
                return int(line.split()[1])
    return 0


def cpu_ns(pid):
    """CPU time of all threads of pid, ns (schedstat; falls back to 10 ms ticks)."""
    tot = 0
    try:
        for t in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, t)) as f:
                tot += int(f.read().split()[0])
        if tot:
            return tot
        with open("/proc/%d/stat" % pid, "rb") as f:
            r = f.read().rsplit(b")", 1)[1].split()
        return (int(r[11]) + int(r[12])) * 1000000000 // CLK
    except (OSError, ValueError):
        return 0


def ctxt(pid):
    """(voluntary, involuntary) context switches of all threads of pid."""
    v = n = 0
    try:
        for t in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/status" % (pid, t)) as f:
                for line in f:
                    if line.startswith("voluntary_ctxt"):
                        v += int(line.split()[1])
                    elif line.startswith("nonvoluntary_ctxt"):
                        n += int(line.split()[1])
    except OSError:
        pass
    return v, n


def title(pid):
    """What a process calls itself."""
    try:
        with open("/proc/%d/comm" % pid) as f:
            return f.read().strip()
    except OSError:
        return "?"


def become_subreaper():
    """Orphans of what we start come to us, so that we can wait for and end exactly those."""
    ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def reap_zombies():
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def kill_tree(first=None, timeout=30):
    """SIGKILL every descendant of this process (each was started by us), by pid."""
    end = time.time() + timeout
    if first:
        try:
            os.kill(first, signal.SIGKILL)
        except OSError:
            pass
    while time.time() < end:
        ds = descendants(os.getpid())
        reap_zombies()
        if not ds:
            return True
        for p in ds:
            try:
                os.kill(p, signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.02)
    return False


def wait_all_gone(pids, timeout):
    """Wait until each pid is gone (exited, reaped or not). Returns the ns when the last went, or None."""
    ep = select.poll()
    fds = {}
    for p in pids:
        try:
            fd = os.pidfd_open(p)
        except (ProcessLookupError, OSError):
            continue
        fds[fd] = p
        ep.register(fd, select.POLLIN)
    end = time.monotonic() + timeout
    try:
        while fds:
            left = end - time.monotonic()
            if left <= 0:
                return None
            for fd, _ev in ep.poll(left * 1000):
                ep.unregister(fd)
                os.close(fd)
                del fds[fd]
        return now_ns()
    finally:
        for fd in fds:
            os.close(fd)


# ---------------------------------------------------------------- the start-report FIFO

class Reports:
    """Reads benchchild's 24-byte records. Records: (pid, tag, kind, ns)."""
    SIZE = 24

    def __init__(self, path):
        self.path = path
        os.mkfifo(path, 0o600)
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.fcntl(self.fd, 1031, 1 << 20)  # F_SETPIPE_SZ
        except OSError:
            pass
        self.buf = b""

    def read(self, timeout=0.0):
        r, _, _ = select.select([self.fd], [], [], timeout)
        out = []
        if r:
            try:
                self.buf += os.read(self.fd, 1 << 20)
            except BlockingIOError:
                pass
            while len(self.buf) >= self.SIZE:
                m, pid, tag, kind, ns = struct.unpack_from("=IiiIQ", self.buf)
                assert m == 0x52425231
                self.buf = self.buf[self.SIZE:]
                out.append((pid, tag, kind, ns))
        return out

    def collect(self, n, timeout, kind=1, tick=0.002):
        """Up to n records of a kind within timeout. Sleeps between reads so as not to be a load."""
        out = []
        end = time.monotonic() + timeout
        while len(out) < n:
            left = end - time.monotonic()
            if left <= 0:
                break
            got = [r for r in self.read(left) if r[2] == kind]
            out += got
            if len(out) < n and tick:
                time.sleep(tick)
        return out

    def drain(self):
        while self.read(0):
            pass

    def close(self):
        os.close(self.fd)
        os.unlink(self.path)
