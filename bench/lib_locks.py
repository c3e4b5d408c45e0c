#!/usr/bin/python3
"""Locks between processes: ns per uncontended lock+unlock, and pairs/s of two processes that contend."""
import os

import benchlib as b
import liblib

ap = liblib.arguments(__doc__, 5)
ap.add_argument("--seconds", type=float, default=1.0)
args = ap.parse_args()
LIBC, REEVE = (os.path.join(b.BUILD, name) for name in ("locks_libc", "locks_reeve"))
KNOWN = {"reeve-lock": [REEVE, "lock"], "reeve-semaphore": [REEVE, "semaphore"], "reeve-owned-semaphore": [REEVE, "owned"],
         "atomic-spin": [LIBC, "spin"], "pthread-mutex-pshared": [LIBC, "mutex"], "pthread-mutex-robust": [LIBC, "robust"],
         "posix-sem-pshared": [LIBC, "sem"], "sysv-sem": [LIBC, "sysv"], "sysv-sem-undo": [LIBC, "sysv-undo"],
         "flock": [LIBC, "flock"], "fcntl-ofd": [LIBC, "ofd"], "cpython-mp-lock": liblib.python("locks_cpython.py")}


def main():
    peers = dict(liblib.choose(args, KNOWN))

    def rounds(how):
        return liblib.rounds({name: lambda name=name: liblib.run(peers[name] + [how, str(args.seconds)]) for name in peers},
                             args.runs)
    for name, results in rounds("alone").items():
        runs = [r["ns"] for r in results]
        b.emit("lib.locks", name, "uncontended", b.median(runs), "ns", runs, results[0]["version"])
    for name, results in rounds("two").items():
        runs = [r["per_s"] for r in results]
        b.emit("lib.locks", name, "contended", b.median(runs), "1/s", runs, results[0]["version"],
               exact=all(r["exact"] for r in results), smaller_share=b.median([r["smaller_share"] for r in results]))


main()
