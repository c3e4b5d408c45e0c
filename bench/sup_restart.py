#!/usr/bin/python3
"""Restart latency: from SIGKILL of the child until the new child is in main().

old:   the child had run 1.5 to 2.5 s (at random, so as not to keep step with a timer), that is
       longer than every peer's throttle: the supervisor's own latency.
young: the child had run 0.1 s: what the throttle or back-off makes of it (fewer samples).
"""
import os
import random
import signal
import time

import benchlib as b
import drivers

ap = drivers.arguments(__doc__, "supervisord,s6,s6-ready,runit,daemontools")
ap.add_argument("--samples", type=int, default=50)
ap.add_argument("--young", type=int, default=10)
ap.add_argument("--programs", type=int, default=1, help="how many programs are supervised besides")
ap.add_argument("--log", default="none")
args = ap.parse_args()
rnd = random.Random(1)


def one(d, wait):
    pid, t_start = d.last
    time.sleep(max(0.0, t_start / 1e9 + wait - time.monotonic()))
    t = b.now_ns()
    os.kill(pid, signal.SIGKILL)
    r = d.reports.collect(1, 20, tick=0)
    if not r:
        raise RuntimeError("%s: child not restarted in 20 s" % d.name)
    d.last = (r[0][0], r[0][3])
    return (r[0][3] - t) / 1e6


for make in drivers.make_drivers(args):
    for logs in args.log.split(","):
        for mode, k in (("old", args.samples), ("young", args.young)):
            if not k:
                continue
            d = make()
            xs, gave_up = [], None
            try:
                d.configure(args.programs, [b.prog("benchchild"), "{i}"], log_to=None if logs == "none" else "file")
                d.start()
                recs = d.wait_started(30)
                d.last = (recs[0][0], recs[0][3])
                time.sleep(2)
                v = d.version()
                for _ in range(k):
                    if mode == "young" and xs:
                        xs.append(one(d, 0.1))
                    else:
                        xs.append(one(d, rnd.uniform(1.5, 2.5)))
                if mode == "young":
                    xs = xs[1:]             # the first one was an old child
            except RuntimeError as e:
                b.log(e)
                gave_up = "not restarted within 20 s after %d deaths" % (len(xs) + 1)
                xs = xs[1:] if mode == "young" else xs
            finally:
                d.cleanup()
            if not xs:
                continue
            p = dict(child=mode, log=logs, programs=args.programs, samples=len(xs), gave_up=gave_up, note=d.notes)
            if mode == "young":
                b.emit("sup.restart", d.name, "each", b.median(xs), "ms", xs, v, **p)
                continue
            b.emit("sup.restart", d.name, "median", b.median(xs), "ms", None, v, **p)
            b.emit("sup.restart", d.name, "p99", b.pct(xs, 99), "ms", None, v, **p)
            b.emit("sup.restart", d.name, "min", min(xs), "ms", None, v, **p)
            b.emit("sup.restart", d.name, "max", max(xs), "ms", None, v, **p)
