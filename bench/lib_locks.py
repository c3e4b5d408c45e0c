#!/usr/bin/python3
"""Locks between processes: ns per uncontended lock+unlock, and pairs/s of two processes that contend."""
import platform

import benchlib as b
import liblib

ap = liblib.arguments(__doc__, 5)
ap.add_argument("--seconds", type=float, default=1.0)
args = ap.parse_args()
L = b.prog("locks")
KNOWN = {"atomic-spin": [L, "spin"], "pthread-mutex-pshared": [L, "mutex"], "pthread-mutex-robust": [L, "robust"],
         "posix-sem-pshared": [L, "sem"], "sysv-sem": [L, "sysv"], "sysv-sem-undo": [L, "sysv-undo"],
         "flock": [L, "flock"], "fcntl-ofd": [L, "ofd"], "cpython-mp-lock": liblib.python("locks_cpython.py")}
for name, argv in liblib.choose(args, KNOWN):
    v = "CPython " + platform.python_version() if name.startswith("cpython") else " ".join(platform.libc_ver())
    rs = [r for r in (liblib.run(argv + ["alone", str(args.seconds)]) for _ in range(args.runs)) if r]
    if rs:
        xs = [r["ns"] for r in rs]
        b.emit("lib.locks", name, "uncontended", b.median(xs), "ns", xs, v)
    rs = [r for r in (liblib.run(argv + ["two", str(args.seconds)]) for _ in range(args.runs)) if r]
    if rs:
        xs = [r["per_s"] for r in rs]
        b.emit("lib.locks", name, "contended", b.median(xs), "1/s", xs, v, exact=all(r["exact"] for r in rs),
               smaller_share=b.median([r["smaller_share"] for r in rs]))
