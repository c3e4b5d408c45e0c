#!/usr/bin/python3
"""Idle cost: context switches and CPU time of the supervisor's processes over a while with N idle programs."""
import time

import benchlib as b
import drivers

ap = drivers.arguments(__doc__)
ap.add_argument("--n", default="100")
ap.add_argument("--seconds", type=float, default=20)
ap.add_argument("--settle", type=float, default=5)
ap.add_argument("--log", default="none")
args = ap.parse_args()

for make in drivers.make_drivers(args):
    for logs in args.log.split(","):
        for n in drivers.ints(args.n):
            vol, inv, cpu = [], [], []
            d = make()
            try:
                d.configure(n, ["sleep", "100000"], log_to=None if logs == "none" else "file", runscript="sh")
                d.start()
                d.wait_kids(n, 120)
                time.sleep(args.settle)
                own, _ = d.split()
                v = d.version()
                names = ["%s %d" % (b.title(p), i) for i, p in enumerate(own)]
                for _ in range(args.runs):
                    t0, c0, s0 = time.monotonic(), sum(map(b.cpu_ns, own)), [b.ctxt(p) for p in own]
                    time.sleep(args.seconds)
                    s1, c1, t1 = [b.ctxt(p) for p in own], sum(map(b.cpu_ns, own)), time.monotonic()
                    k = args.seconds / (t1 - t0)
                    by_process = {name: sum(y) - sum(x) for name, x, y in zip(names, s0, s1)} if len(own) < 10 else None
                    vol.append(k * (sum(x[0] for x in s1) - sum(x[0] for x in s0)))
                    inv.append(k * (sum(x[1] for x in s1) - sum(x[1] for x in s0)))
                    cpu.append(k * (c1 - c0) / 1e6)
            finally:
                d.cleanup()
            p = dict(n=n, seconds=args.seconds, log=logs, processes=len(own), by_process=by_process)
            b.emit("sup.idle", d.name, "voluntary_switches", b.median(vol), "count", vol, v, **p)
            b.emit("sup.idle", d.name, "involuntary_switches", b.median(inv), "count", inv, v, **p)
            b.emit("sup.idle", d.name, "cpu", b.median(cpu), "ms", cpu, v, **p)
