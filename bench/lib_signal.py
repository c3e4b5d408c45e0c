#!/usr/bin/python3
"""Signal dispatch: ns from kill() to the callback: to oneself (self), from another process on the other core (cross),
and the same while the receiver's core is kept awake by an idle-priority spinner (awake)."""
import benchlib as b
import liblib

ap = liblib.arguments(__doc__, 5)
ap.add_argument("--iters", type=int, default=200000)
ap.add_argument("--cross", type=int, default=20000)
args = ap.parse_args()
KNOWN = {
    "reeve": "sig_reeve", "reeve-thread": "sig_reeve_thread", "reeve-fd": "sig_reeve_fd",
    "sigaction-handler": "sig_handler", "sigwaitinfo": "sig_sigwait", "signalfd": "sig_signalfd",
    "libuv": "sig_uv", "libev": "sig_ev", "libev-signalfd": "sig_ev_sfd", "glib": "sig_glib",
    "cpython-signal": liblib.python("sig_cpython.py", "signal"),
    "cpython-asyncio": liblib.python("sig_cpython.py", "asyncio"),
}
for name, argv in liblib.choose(args, KNOWN):
    slow = 4 if name.startswith("cpython") else 1
    for mode, count, keys in (("self", args.iters // slow, ["ns"]), ("cross", args.cross // slow, ["p50_ns", "p99_ns"]),
                              ("awake", args.cross // slow, ["p50_ns", "p99_ns"])):
        rs = [r for r in (liblib.run(argv + [mode, str(count)]) for _ in range(args.runs)) if r]
        if not rs:
            continue
        if rs[0].get("unsupported"):
            b.log(name, "cannot do", mode)
            continue
        for k in keys:
            xs = [r[k] for r in rs]
            b.emit("lib.signal", name, mode + ("" if k == "ns" else "_" + k[:3]), b.median(xs), "ns", xs, rs[0].get("version"), count=count)
