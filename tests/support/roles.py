"""The roles of a running reeved, found by their names, and what programs it has."""
import os
import pathlib
import subprocess
import time

import watching


def comm_of(pid):
    try:
        return pathlib.Path("/proc/%d/comm" % pid).read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def pid_of(role, keeper):
    """The pid of the keeper's "core", "scribe" or "gateway" that lives now, or None."""
    found = [pid for pid, (parent, state) in watching.processes().items()
             if parent == keeper and state not in "ZX" and comm_of(pid) == "reeve-" + role]
    return found[0] if found else None


def wait_pid_of(role, keeper, other_than=None):
    """The same, once there is one. A process's birth is no event that one could wait for: it is asked again and again."""
    end = time.monotonic() + watching.LIMIT
    while time.monotonic() < end:
        pid = pid_of(role, keeper)
        if pid and pid != other_than:
            return pid
        os.sched_yield()
    raise watching.Timeout("no %s of %d" % (role, keeper))


def status_of(pid):
    """{name: text} of the process's status in /proc."""
    lines = pathlib.Path("/proc/%d/status" % pid).read_text().splitlines()
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


def wait_sandboxed(pid):
    """Wait until a gateway has given up all that it gives up: its filter is the last of it. No event tells that either."""
    end = time.monotonic() + watching.LIMIT
    while status_of(pid).get("Seccomp") != "2":
        if time.monotonic() > end:
            raise watching.Timeout("%d is not in its sandbox" % pid)
        os.sched_yield()


def status_table(reeved):
    """(exit status, {name: (state, the rest of its line)}) as `reeved --status` tells it."""
    done = subprocess.run([reeved.program, "-c", str(reeved.conf), "--status"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=watching.LIMIT)
    rows = [line.split(None, 2) for line in done.stdout.splitlines()]
    return done.returncode, {row[0]: (row[1], row[2] if len(row) > 2 else "") for row in rows}
