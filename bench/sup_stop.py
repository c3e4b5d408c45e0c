#!/usr/bin/python3
"""Stop time: from the request for an orderly end until every process (supervisor, loggers, children) is gone."""
import time

import benchlib as b
import drivers

ap = drivers.arguments(__doc__, runs=5)
ap.add_argument("--n", default="100")
ap.add_argument("--age", type=float, default=3.0)
ap.add_argument("--log", default="none")
args = ap.parse_args()

for make in drivers.make_drivers(args):
    for logs in args.log.split(","):
        for n in drivers.ints(args.n):
            xs = []
            for _ in range(args.runs):
                d = make()
                try:
                    d.configure(n, [b.prog("benchchild"), "{i}"], log_to=None if logs == "none" else "file")
                    d.start()
                    d.wait_started(60)
                    time.sleep(args.age)
                    v = d.version()
                    t, done = d.stop(60)
                    if done is None:
                        b.log("%s: not gone after 60 s" % d.name)
                        break
                    xs.append((done - t) / 1e6)
                finally:
                    d.cleanup()
            if xs:
                b.emit("sup.stop", d.name, "all_gone", b.median(xs), "ms", xs, v, n=n, log=logs)
