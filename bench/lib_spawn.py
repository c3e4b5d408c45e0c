#!/usr/bin/python3
"""Spawn and reap a program that exits at once, one after another: microseconds each, with a small parent and
with one that has 1 GiB of touched memory (4-KiB pages)."""
import benchlib as b
import liblib

ap = liblib.arguments(__doc__, 3)
ap.add_argument("--count", type=int, default=2000)
ap.add_argument("--heap-count", type=int, default=300, help="how many with a large parent")
ap.add_argument("--heap", default="0,1024", help="MiB of touched memory in the parent")
ap.add_argument("--program", help="what to start (default: a static program that returns 0)")
args = ap.parse_args()
prog = args.program or b.prog("tinytrue")
KNOWN = {
    "reeve": "spawn_reeve",
    "fork+exec": "spawn_fork", "vfork+exec": "spawn_vfork", "posix_spawn": "spawn_posix", "libuv": "spawn_uv",
    "glib": "spawn_glib", "glib-leave-fds": "spawn_glib_leave", "apr": "spawn_apr",
    "cpython-popen": liblib.python("spawn_cpython.py", "popen"),
    "cpython-posix_spawn": liblib.python("spawn_cpython.py", "posix_spawn"),
}
for name, argv in liblib.choose(args, KNOWN):
    for heap in args.heap.split(","):
        # a fork with 1 GiB costs tens of milliseconds: fewer of them keep the run short
        count = args.count if heap == "0" else args.heap_count
        rs = [r for r in (liblib.run(argv + [prog, str(count), heap]) for _ in range(args.runs)) if r]
        if not rs:
            continue
        for k in ("mean_us", "p50_us", "p99_us"):
            xs = [r[k] for r in rs]
            b.emit("lib.spawn", name, k[:-3], b.median(xs), "us", xs, rs[0]["version"], heap_mib=int(heap), count=count)
