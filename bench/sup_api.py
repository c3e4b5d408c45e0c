#!/usr/bin/python3
"""Control API: XML-RPC over HTTP on the unix socket (kind supervisord) with N programs: requests/s and
latency of getProcessInfo and getAllProcessInfo, keep-alive or not, 1 and 8 clients; and the wall time of
`supervisorctl status` (for the other kinds: of their own status command over all services)."""
import json
import subprocess
import time

import benchlib as b
import drivers

ap = drivers.arguments(__doc__)
ap.add_argument("--n", type=int, default=100)
ap.add_argument("--seconds", type=float, default=3)
ap.add_argument("--clients", default="1,8")
ap.add_argument("--status-runs", type=int, default=10)
ap.add_argument("--log", default="none")
args = ap.parse_args()

for make in drivers.make_drivers(args):
    d = make()
    try:
        d.configure(args.n, ["sleep", "100000"], log_to=None if args.log == "none" else "file", runscript="sh")
        d.start()
        d.wait_kids(args.n, 60)
        time.sleep(3)
        v = d.version()
        if hasattr(d, "socket"):
            for meth, arg in (("supervisor.getProcessInfo", "p:p_0000"), ("supervisor.getAllProcessInfo", None)):
                for keep in (1, 0):
                    for c in drivers.ints(args.clients):
                        cmd = [b.prog("apibench"), d.socket, meth, "-c", str(c), "-k", str(keep), "-t", str(args.seconds)]
                        if arg:
                            cmd += ["-a", arg]
                        rs = []
                        for _ in range(args.runs):
                            own, _k = d.split()
                            b.wait_quiet()
                            o = b.Others(own)
                            c0 = sum(map(b.cpu_ns, own))
                            r = json.loads(subprocess.run(cmd, capture_output=True, text=True, check=True).stdout)
                            r["cpu_us"] = (sum(map(b.cpu_ns, own)) - c0) / 1e3 / max(1, r["requests"])
                            b.note_others(o.pct())
                            rs.append(r)
                        p = dict(method=meth, keepalive=bool(keep), clients=c, n=args.n,
                                 errors=sum(r["errors"] for r in rs), faults=sum(r["faults"] for r in rs),
                                 answer_bytes=rs[0]["bytes_per_answer"])
                        for k, u in (("rps", "1/s"), ("p50_us", "us"), ("p99_us", "us"), ("cpu_us", "us/request")):
                            xs = [r[k] for r in rs]
                            b.emit("sup.api", d.name, k, b.median(xs), u, xs, v, **p)
        cmd = d.status_cmd()
        if cmd:
            xs = []
            for _ in range(args.status_runs):
                b.wait_quiet()
                t = time.perf_counter()
                r = subprocess.run(cmd, capture_output=True, text=True)
                xs.append((time.perf_counter() - t) * 1e3)
            b.emit("sup.status", d.name, "wall", b.median(xs), "ms", xs, v, n=args.n, lines=len(r.stdout.splitlines()))
    finally:
        d.cleanup()
