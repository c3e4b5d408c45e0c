#!/usr/bin/python3
"""Start time: from just before the supervisor is executed until the last of N children is in main()."""
import benchlib as b
import drivers

ap = drivers.arguments(__doc__, runs=5)
ap.add_argument("--n", default="1,10,100,1000")
ap.add_argument("--log", default="none")
ap.add_argument("--runscript", default="direct", choices=("direct", "sh"),
                help="daemontools family: run script that is the child itself, or a shell that execs it")
args = ap.parse_args()

for make in drivers.make_drivers(args):
    for logs in args.log.split(","):
        for n in drivers.ints(args.n):
            first, last = [], []
            for _ in range(args.runs):
                d = make()
                try:
                    d.configure(n, [b.prog("benchchild"), "{i}"], log_to=None if logs == "none" else "file",
                                runscript=args.runscript)
                    t0 = d.start()
                    ts = sorted(r[3] for r in d.wait_started(120))
                    first.append((ts[0] - t0) / 1e6)
                    last.append((ts[-1] - t0) / 1e6)
                    v = d.version()
                except RuntimeError as e:
                    b.log(e)
                    break
                finally:
                    d.cleanup()
            if last:
                b.emit("sup.start", d.name, "all_running", b.median(last), "ms", last, v, n=n, log=logs, runscript=args.runscript)
                b.emit("sup.start", d.name, "first_running", b.median(first), "ms", first, v, n=n, log=logs, runscript=args.runscript)
