#!/usr/bin/python3
"""A heartbeat: ns each, beside the store that it is."""
import os

import benchlib as b
import liblib

ap = liblib.arguments(__doc__, 5)
ap.add_argument("--seconds", type=float, default=0.5)
args = ap.parse_args()
BEAT = os.path.join(b.BUILD, "beat_reeve")
peers = dict(liblib.choose(args, {"reeve": [BEAT, "beat"], "store": [BEAT, "store"]}))
done = liblib.rounds({name: lambda name=name: liblib.run(peers[name] + [str(args.seconds)]) for name in peers}, args.runs)
for name, results in done.items():
    runs = [r["ns"] for r in results]
    b.emit("lib.beat", name, "ns", b.median(runs), "ns", runs, results[0]["version"])
