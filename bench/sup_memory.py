#!/usr/bin/python3
"""Memory of a supervisor: PSS, RSS, private KiB and page tables summed over every process the supervisor owns
(daemon, per-service supervisors, loggers; not the children) with N programs `sleep 100000`."""
import sys
import time

import benchlib as b
import drivers

ap = drivers.arguments(__doc__)
ap.add_argument("--n", default="1,10,100,1000")
ap.add_argument("--log", default="none,file", help="none: no logging; file: each program's stdout logged to its file")
ap.add_argument("--settle", type=float, default=3.0)
args = ap.parse_args()

for make in drivers.make_drivers(args):
    for logs in args.log.split(","):
        for n in drivers.ints(args.n):
            rows = []
            for _ in range(args.runs):
                d = make()
                try:
                    d.configure(n, ["sleep", "100000"], log_to=None if logs == "none" else "file", runscript="sh")
                    d.start()
                    d.wait_kids(n, 120)
                    time.sleep(args.settle)
                    own, kids = d.split()
                    m = [b.smaps(p) for p in own]
                    rows.append((sum(x[0] for x in m), sum(x[1] for x in m), sum(x[2] for x in m),
                                 sum(map(b.pagetables, own)), len(own)))
                    v = d.version()
                except RuntimeError as e:
                    b.log(e)
                    break
                finally:
                    d.cleanup()
            if not rows:
                continue
            for i, k in enumerate(("rss", "pss", "private", "pagetables")):
                xs = [r[i] for r in rows]
                b.emit("sup.memory", d.name, k, b.median(xs), "KiB", xs, v, n=n, log=logs, processes=rows[0][4])
