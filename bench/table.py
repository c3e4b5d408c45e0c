#!/usr/bin/python3
"""The figures that reeve is held to, measured in one run beside the peers: `make bench`.

    ./table.py --reeved ../build/src/supervisor/main/reeved --quick     the whole, on a machine that is else idle
    ./table.py --reeved ... --only queue,locks                          some parts
    ./table.py --show                                                   measure nothing, show what was measured last

What a part measured stays in build/results/ until it is measured again; the table shows, and the plots are made of, what there is.

A row is measured by one bench script; what it is held to is a rule over that script's lines. The script runs several rounds, each
with all peers, so that an hour that is busy is busy for all of them; what counts is the median of the rounds. Take the ratios,
not the absolute figures: they are of this machine, at this hour.
"""
import argparse
import os
import subprocess
import sys

import api_rows
import benchlib as b
import plot
import shm_rows
from held import Records, Result, at_most, no_slower_than_best, number

DEFERRED = ["libev", "cpython-signal", "libuv", "glib", "cpython-asyncio"]


def spawn(found):
    for heap in 0, 1024:
        yield at_most("spawn + reap, parent with %s touched" % ("1 GiB" if heap else "nothing"),
                      found.value("lib.spawn", "p50", "reeve", heap_mib=heap),
                      found.value("lib.spawn", "p50", "vfork+exec", heap_mib=heap), 1.15, "us", "vfork+exec")


def dispatch(found):
    def took(peer):
        return found.value("lib.signal", "self", peer)
    # Not of reeve-thread: a thread switch stands between the signal and the callback there, and is what it is chosen for.
    yield at_most("signal to itself until the callback has run", took("reeve"), took("sigaction-handler"), 1.15, "ns",
                  "bare sigaction")
    slowest = {peer: took(peer) for peer in DEFERRED}
    yield no_slower_than_best("the same, beside deferred peers", took("reeve"), slowest, "ns")
    yield at_most("the same (reeve-fd)", took("reeve-fd"), took("signalfd"), 1.1, "ns", "signalfd")


def lost(found):
    for mode in "reeve", "reeve-thread", "reeve-fd":
        rounds = found.find("lib.lost", "received", mode)
        whole = [min(r["runs"]) == r["params"]["sent"] and r["params"]["payload"] is True and r["params"]["in_order"] is True
                 for r in rounds]
        yield Result("queued real-time signals from another process (%s)" % mode,
                     number(min((min(r["runs"]) for r in rounds), default=None)),
                     "sent %s" % number(rounds[0]["params"]["sent"] if rounds else None), "all, with payload, in order",
                     all(whole) if rounds else None)
    ours, theirs = found.value("lib.lost", "rate", "reeve-fd"), found.value("lib.lost", "rate", "signalfd")
    ratio = ours / theirs if ours and theirs else None
    yield Result("the same, rate (reeve-fd)", number(ours, "/s"), "signalfd %s" % number(theirs, "/s"), "at least 0.8 of signalfd",
                 None if ratio is None else ratio >= 0.8, ratio)


def restart(found):
    yield at_most("child that was up dies by SIGKILL until its successor runs main",
                  found.value("sup.restart", "median", "reeve", child="old"),
                  found.value("sup.restart", "median", "daemontools", child="old"), 1, "ms", "daemontools",
                  "no slower than daemontools")


def start(found):
    for n in 1, 1000:
        yield no_slower_than_best("exec of the supervisor until %d programs run" % n,
                                  found.value("sup.start", "all_running", "reeve", n=n),
                                  {peer: found.value("sup.start", "all_running", peer, n=n)
                                   for peer in ("s6", "daemontools", "runit", "supervisord")}, "ms")


def massdeath(found):
    yield no_slower_than_best("1000 programs killed at once until all run again",
                              found.value("sup.massdeath", "all_running", "reeve", n=1000),
                              {peer: found.value("sup.massdeath", "all_running", peer, n=1000)
                               for peer in ("daemontools", "runit", "s6", "supervisord")}, "ms")
    rounds = found.find("sup.massdeath", "all_running", "reeve", n=1000)
    wrong = [max((r["params"][word] for r in rounds), default=0) for word in ("lost", "restarted_twice")]
    yield Result("the same: lost, started twice", "%d, %d" % tuple(wrong) if rounds else "-", "-", "none",
                 not any(wrong) if rounds else None)


def memory(found):
    for n, limit in (1, 2), (10, 2.2), (100, 3), (1000, 8):
        ours = found.value("sup.memory", "pss", "reeve", n=n, log="file")
        theirs = found.value("sup.memory", "pss", "runit", n=n, log="file")
        ours, theirs = ours and ours / 1024, theirs and theirs / 1024
        yield Result("PSS of all supervising processes, %d program%s with log files" % (n, "s" if n > 1 else ""), number(ours, "MiB"),
                     "runit %s" % number(theirs, "MiB"), "at most %g MB" % limit, None if ours is None else ours <= limit,
                     ours / theirs if ours and theirs else None)


def log(found):
    for chunk, size in (64000, "64 KB"), (100, "100-byte"):
        what = "1 GiB into a log rotated at 50 MB, %s writes: " % size
        yield at_most(what + "supervising CPU", found.value("sup.log", "supervisor_cpu", "reeve", chunk=chunk),
                      found.value("sup.log", "supervisor_cpu", "supervisord", chunk=chunk), 1 / 3, "s", "supervisord",
                      "at most a third of supervisord's")
        yield at_most(what + "wall time", found.value("sup.log", "wall", "reeve", chunk=chunk),
                      found.value("sup.log", "wall", "cat", chunk=chunk), 1.1, "s", "cat >file")


def idle(found):
    rounds = found.find("sup.idle", "voluntary_switches", "reeve", n=100)
    theirs = found.value("sup.idle", "voluntary_switches", "supervisord", n=100)
    woken = rounds[-1]["params"].get("by_process") or {"all": rounds[-1]["value"]} if rounds else None
    yield Result("idle with 100 programs for 60 s: wake-ups of each role",
                 "-" if woken is None else ", ".join("%s: %d" % item for item in woken.items()),
                 "supervisord %s" % number(theirs), "none in any role", None if woken is None else not any(woken.values()))


# name: its rows, the bench script, its arguments, how many rounds (with --quick, without), the peers beside reeve
ROWS = {
    "spawn": (spawn, "lib_spawn", ["--count", "500", "--heap-count", "200"], (3, 9), ["vfork+exec", "posix_spawn", "fork+exec"]),
    "dispatch": (dispatch, "lib_signal", ["--iters", "50000", "--cross", "500"], (5, 15), ["sigaction-handler", "signalfd", *DEFERRED]),
    "lost": (lost, "lib_lost", [], (3, 9), ["signalfd", "sigaction-handler"]),
    "restart": (restart, "sup_restart", ["--samples", "8", "--young", "0"], (2, 6), ["daemontools", "runit"]),
    "start": (start, "sup_start", ["--n", "1,1000"], (2, 5), ["s6", "daemontools", "runit", "supervisord"]),
    "massdeath": (massdeath, "sup_massdeath", [], (1, 3), ["daemontools", "runit", "s6", "supervisord"]),
    "memory": (memory, "sup_memory", ["--log", "file"], (1, 3), ["supervisord", "runit"]),
    "log": (log, "sup_log", [], (2, 5), ["cat", "supervisord"]),
    "idle": (idle, "sup_idle", ["--seconds", "60", "--log", "file"], (1, 1), ["supervisord"]),
    **api_rows.ROWS,
    **shm_rows.ROWS,
}
LIBRARY_PEERS = {"spawn": ["reeve"], "dispatch": ["reeve", "reeve-thread", "reeve-fd"], "lost": ["reeve", "reeve-thread", "reeve-fd"],
                 **shm_rows.LIBRARY_PEERS}
RESULTS = os.path.join(b.BUILD, "results")


def lines_of(name):
    """The file with what the part measured last."""
    return os.path.join(RESULTS, name + ".jsonl")


def measure(name, reeved, quick, more):
    _rows, script, arguments, rounds, peers = ROWS[name]
    rounds = rounds[0] if quick else rounds[1]
    partial = lines_of(name) + ".part"
    argv = [sys.executable, os.path.join(b.HERE, script + ".py"), "--out", partial, *arguments]
    if name in LIBRARY_PEERS:
        peers = LIBRARY_PEERS[name] + peers
    elif reeved:
        peers = ["reeve=supervisord:%s" % reeved] + peers
        argv += ["--ctl", "reeve=%s" % os.path.join(os.path.dirname(reeved), "../ctl/reevectl")]
    for peer in peers + (more if name in shm_rows.QUEUES else []):
        argv += ["--peer", peer]
    if name in shm_rows.ROWS:       # these go round the peers by themselves
        argv, rounds = argv + ["--runs", str(rounds)], 1
    elif script != "sup_restart":
        argv += ["--runs", "1"]
    os.makedirs(RESULTS, exist_ok=True)
    open(partial, "w").close()
    for number_ in range(rounds):
        b.log("measuring %s, round %d of %d" % (name, number_ + 1, rounds))
        if subprocess.call(argv, cwd=b.HERE, stdout=subprocess.DEVNULL):
            b.log("%s did not end well" % script)
    os.replace(partial, lines_of(name))


def measured(names):
    lines = []
    for name in names:
        if os.path.exists(lines_of(name)):
            with open(lines_of(name), encoding="utf-8") as file:
                lines += file
    return Records(lines)


def show(results):
    rows = [["what", "reeve", "peer", "ratio", "to reach", ""]] + [result.cells() for result in results]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
    count = [sum(result.held is verdict for result in results) for verdict in (True, False, None)]
    print("\n%d held, %d not held, %d not measured" % tuple(count))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--reeved", help="the program; without it the supervisor's rows are not measured for reeve")
    ap.add_argument("--quick", action="store_true", help="fewer runs")
    ap.add_argument("--only", default=",".join(ROWS), help="of " + ",".join(ROWS))
    ap.add_argument("--show", action="store_true", help="measure nothing")
    ap.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND",
                    help="one more peer of the queues: a program as c/queue_main.c makes it (may be repeated)")
    args = ap.parse_args()
    names = [name for name in args.only.split(",") if name]
    unknown = set(names) - set(ROWS)
    if unknown:
        ap.error("no such row: " + ", ".join(sorted(unknown)))
    reeved = args.reeved and os.path.abspath(args.reeved)
    if reeved and not os.access(reeved, os.X_OK):
        b.log("%s is not there: the supervisor's rows are measured for the peers only" % args.reeved)
        reeved = None
    for name in [] if args.show else names:
        measure(name, reeved, args.quick, args.peer)
    show([result for name in names for result in ROWS[name][0](measured([name]))])
    plot.draw(measured(ROWS), os.path.join(b.HERE, "plots"))


if __name__ == "__main__":
    main()
