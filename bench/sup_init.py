#!/usr/bin/python3
"""One-child init programs (tini, dumb-init): memory, what they add to starting a program, and how long a
signal takes through them.

    --peer NAME=COMMAND     another one; COMMAND is followed by the program to run
"""
import argparse
import os
import shlex
import shutil
import signal
import subprocess
import time

import benchlib as b

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--peer", action="append")
ap.add_argument("--runs", type=int, default=3)
ap.add_argument("--spawns", type=int, default=500)
ap.add_argument("--out")
args = ap.parse_args()
b.open_out(args.out)
KNOWN = {"none": [], "tini": ["tini", "-s", "--"], "dumb-init": ["dumb-init", "--"]}
b.become_subreaper()
for spec in args.peer or list(KNOWN):
    name, eq, cmd = spec.partition("=")
    argv = shlex.split(cmd) if eq else KNOWN[name]
    if argv and shutil.which(argv[0]) is None:
        b.log("skipping", name)
        continue
    if argv:
        argv = [shutil.which(argv[0])] + argv[1:]
    v = None
    if not eq and argv:
        v = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}", name], capture_output=True, text=True).stdout or None
    xs = []
    for _ in range(args.runs):
        a = argv + [b.prog("tinytrue")]
        b.wait_quiet()
        o = b.Others()
        t = time.perf_counter()
        for _i in range(args.spawns):
            os.waitpid(os.posix_spawn(a[0], a, os.environ), 0)
        xs.append((time.perf_counter() - t) / args.spawns * 1e6)
        b.note_others(o.pct())
    b.emit("sup.init", name, "run_true", b.median(xs), "us", xs, v)
    if not argv:
        continue
    b.wait_quiet()
    d = b.workdir()
    rep = b.Reports(os.path.join(d, "fifo"))
    p = subprocess.Popen(argv + [b.prog("benchchild"), "usr1"], env=dict(os.environ, RB_FIFO=rep.path))
    try:
        rep.collect(1, 10)
        time.sleep(0.5)
        rss, pss, priv = b.smaps(p.pid)
        for k, x in (("rss", rss), ("pss", pss), ("private", priv)):
            b.emit("sup.init", name, k, x, "KiB", None, v)
        lat = []
        for i in range(200):
            time.sleep(0.002)
            t = b.now_ns()
            os.kill(p.pid, signal.SIGUSR1)
            r = rep.collect(1, 5, kind=3, tick=0)
            if r:
                lat.append((r[0][3] - t) / 1e3)
        if lat:
            b.emit("sup.init", name, "signal_through", b.median(lat), "us", None, v, p99=round(b.pct(lat, 99), 1), samples=len(lat))
    finally:
        b.kill_tree(p.pid)
        p.wait()
        rep.close()
        shutil.rmtree(d, ignore_errors=True)
