#!/usr/bin/python3
"""Memory of a supervisor that was asked a great deal: PSS of all its processes, with a unix and an inet server, after REQUESTS calls
(nine getProcessInfo to one getAllProcessInfo, eight keep-alive clients), and how much of that came after the first tenth."""
import json
import os
import subprocess
import time

import benchlib as b
import drivers

ap = drivers.arguments(__doc__, "supervisord", runs=1)
ap.add_argument("--n", type=int, default=100)
ap.add_argument("--requests", type=int, default=1000000)
ap.add_argument("--seconds", type=float, default=120, help="no longer than this, however few requests that are")
args = ap.parse_args()

PIECE = 0.5     # seconds of load between two looks at how much it was


def pss(d):
    own, _kids = d.split()
    return sum(b.smaps(pid)[1] for pid in own)


def ask(d, method, argument, seconds):
    command = [b.prog("apibench"), d.socket, method, "-c", "8", "-k", "1", "-t", str(seconds)]
    done = json.loads(subprocess.run(command + (["-a", argument] if argument else []), capture_output=True, text=True, check=True).stdout)
    return done["requests"]


def load(d, requests, until):
    done = 0
    while done < requests and time.monotonic() < until:
        part = ask(d, "supervisor.getProcessInfo", "p:p_0000", PIECE)
        done += part
        if d.name != "supervisord":
            done += ask(d, "supervisor.getAllProcessInfo", None, PIECE / 5)
        else:
            done += ask(d, "supervisor.getAllProcessInfo", None, PIECE / 2)
    return done


for make in drivers.make_drivers(args):
    d = make()
    try:
        # an address of this machine, and of nobody's but this process
        d.more = "[inet_http_server]\nport=127.%d.%d.%d:9001\n" % (64 + (os.getpid() >> 16 & 63), os.getpid() >> 8 & 255, os.getpid() & 255)
        d.configure(args.n, ["sleep", "100000"], runscript="sh")
        d.start()
        d.wait_kids(args.n, 60)
        time.sleep(2)
        until = time.monotonic() + args.seconds
        fresh = pss(d)
        done = load(d, args.requests // 10, until)
        warm = pss(d)
        done += load(d, args.requests - done, until)
        end = pss(d)
        for metric, value in ("fresh", fresh), ("pss", end), ("growth", end - warm):
            b.emit("sup.api_memory", d.name, metric, value, "KiB", [value], d.version(), n=args.n, requests=done)
    finally:
        d.cleanup()
