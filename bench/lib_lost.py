#!/usr/bin/python3
"""Lost signals: another process sends COUNT SIGRTMIN with sigqueue() as fast as it can; how many callbacks ran,
in order, with the payload. The sender repeats on EAGAIN, so a loss is the receiver's."""
import benchlib as b
import liblib

ap = liblib.arguments(__doc__, 3)
ap.add_argument("--count", type=int, default=100000)
args = ap.parse_args()
KNOWN = {
    "reeve": "sig_reeve", "reeve-thread": "sig_reeve_thread", "reeve-fd": "sig_reeve_fd",
    "sigaction-handler": "sig_handler", "sigwaitinfo": "sig_sigwait", "signalfd": "sig_signalfd",
    "libuv": "sig_uv", "libev": "sig_ev", "libev-signalfd": "sig_ev_sfd", "glib": "sig_glib",
    "cpython-signal": liblib.python("sig_cpython.py", "signal"),
    "cpython-asyncio": liblib.python("sig_cpython.py", "asyncio"),
    "cpython-sigwaitinfo": liblib.python("sig_cpython.py", "sigwaitinfo"),
}
for name, argv in liblib.choose(args, KNOWN):
    rs = [r for r in (liblib.run(argv + ["lost", str(args.count)]) for _ in range(args.runs)) if r]
    if not rs:
        continue
    v = rs[0].get("version")
    if rs[0].get("unsupported"):
        b.emit("lib.lost", name, "received", 0, "count", None, v, unsupported=True, sent=args.count)
        continue
    xs = [r["received"] for r in rs]
    p = dict(sent=rs[0]["sent"], payload=all(r["payload"] for r in rs), payloads=min(r["payloads"] for r in rs),
             in_order=all(r["in_order"] for r in rs) if rs[0]["payload"] else "unknown",
             sender_retries=b.median([r["sender_retries"] for r in rs]))
    b.emit("lib.lost", name, "received", b.median(xs), "count", xs, v, **p)
    xs = [r["received"] / r["seconds"] for r in rs]
    b.emit("lib.lost", name, "rate", b.median(xs), "1/s", xs, v, **p)
