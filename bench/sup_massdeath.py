#!/usr/bin/python3
"""Mass death: all N children are SIGKILLed at once (each had run over 1 s); time until all run again,
and whether any was lost (never restarted, or restarted more than once)."""
import os
import signal
import time

import benchlib as b
import drivers

ap = drivers.arguments(__doc__, "supervisord,s6,s6-ready,runit,daemontools")
ap.add_argument("--n", default="1000")
ap.add_argument("--age", type=float, default=4.0)
ap.add_argument("--log", default="none")
args = ap.parse_args()

for make in drivers.make_drivers(args):
    for logs in args.log.split(","):
        for n in drivers.ints(args.n):
            allt, med, kill, lost, extra = [], [], [], [], []
            for _ in range(args.runs):
                d = make()
                try:
                    d.configure(n, [b.prog("benchchild"), "{i}"], log_to=None if logs == "none" else "file")
                    d.start()
                    recs = d.wait_started(120)
                    pids = [r[0] for r in recs]
                    time.sleep(args.age)
                    d.reports.drain()
                    t0 = b.now_ns()
                    for p in pids:
                        os.kill(p, signal.SIGKILL)
                    tk = b.now_ns()
                    got = d.reports.collect(n, 60)
                    time.sleep(2.5)
                    more = d.reports.read(0)
                    tags = [r[1] for r in got]
                    ts = sorted(r[3] for r in got)
                    _own, kids = d.split()
                    lost.append(n - len(set(tags)))
                    extra.append(len(tags) - len(set(tags)) + len(more))
                    if len(kids) != n:
                        b.log("%s: %d children at the end instead of %d" % (d.name, len(kids), n))
                        lost[-1] = max(lost[-1], n - len(kids))
                    kill.append((tk - t0) / 1e6)
                    allt.append((ts[-1] - t0) / 1e6 if ts else float("nan"))
                    med.append((ts[len(ts) // 2] - t0) / 1e6 if ts else float("nan"))
                    v = d.version()
                except RuntimeError as e:
                    b.log(e)
                    break
                finally:
                    d.cleanup()
            if allt:
                p = dict(n=n, log=logs, kill_loop_ms=round(b.median(kill), 1), lost=max(lost), restarted_twice=max(extra))
                b.emit("sup.massdeath", d.name, "all_running", b.median(allt), "ms", allt, v, **p)
                b.emit("sup.massdeath", d.name, "half_running", b.median(med), "ms", med, v, **p)
                b.emit("sup.massdeath", d.name, "lost", max(lost), "count", lost, v, **p)
