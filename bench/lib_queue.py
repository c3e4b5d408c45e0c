#!/usr/bin/python3
"""Queues between processes: messages/s with 1 producer and 1 consumer (pinned to two cores) and 2 and 2 (not pinned),
for 64-byte and 4-KiB messages; round trip over two queues. Redis is started privately on a unix socket."""
import os
import shutil
import subprocess
import tempfile
import time

import benchlib as b
import liblib

ap = liblib.arguments(__doc__, 5)
ap.add_argument("--sizes", default="64,4096")
ap.add_argument("--shape", default="1x1,2x2")
ap.add_argument("--seconds", type=float, default=1.5, help="about how long a throughput run shall take")
ap.add_argument("--closes", type=int, default=5, help="runs of: consumers are slow, producers close and end at once; is all received?")
ap.add_argument("--iters", type=int, default=10000, help="round trips")
args = ap.parse_args()
KNOWN = {
    "shm-spsc-spin": "queue_shm", "shm-mpmc-spin": "queue_mpmc", "shm-mutex-cond": "queue_cond",
    "pipe": "queue_pipe", "seqpacket": "queue_seqpacket", "posix-mq": "queue_mq", "zeromq-ipc": "queue_zmq",
    "redis": "queue_redis", "redis-pipelined": "queue_redis",
    "cpython-simplequeue": liblib.python("queue_cpython.py", "simplequeue"),
    "cpython-queue": liblib.python("queue_cpython.py", "queue"),
}
peers = liblib.choose(args, KNOWN)
tmp = tempfile.mkdtemp(prefix="rbq", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
redis, rver = None, None
try:
    if any(n.startswith("redis") for n, _ in peers):
        if shutil.which("redis-server"):
            redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", tmp + "/r.sock", "--save", "",
                                      "--appendonly", "no", "--daemonize", "no", "--dir", tmp],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(100):
                if os.path.exists(tmp + "/r.sock"):
                    break
                time.sleep(0.05)
            rver = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.split("v=")[1].split()[0]
        else:
            b.log("skipping redis: not installed")
            peers = [p for p in peers if not p[0].startswith("redis")]
    def go(a):
        return liblib.run(a, extra=[redis.pid] if redis else [])

    for name, argv in peers:
        opt = {"redis": [tmp + "/r.sock"], "redis-pipelined": [tmp + "/r.sock,64"]}.get(name, [])
        for shape in args.shape.split(","):
            p, c = shape.split("x")
            for size in args.sizes.split(","):
                n = 20000
                r = go(argv + ["tput", p, c, size, str(n), tmp] + opt)
                if r is None or r.get("unsupported"):
                    continue
                n = int(min(30e6, max(20000, r["per_s"] * args.seconds)))
                rs = [r for r in (go(argv + ["tput", p, c, size, str(n), tmp] + opt) for _ in range(args.runs)) if r]
                if not rs:
                    continue
                v = rver if name.startswith("redis") else rs[0]["version"]
                for k, u in (("per_s", "1/s"), ("ns", "ns")):
                    xs = [r[k] for r in rs]
                    b.emit("lib.queue", name, k, b.median(xs), u, xs, v, shape=shape, size=int(size), messages=n,
                           errors=sum(r["errors"] for r in rs), failed_runs=args.runs - len(rs))
        if not name.startswith("cpython"):
            shape = "1x1" if name.startswith("shm-spsc") else "2x2"
            p, c = shape.split("x")
            rs = [r for r in (go(argv + ["close", p, c, "64", "200000", tmp] + opt) for _ in range(args.closes)) if r]
            if rs:
                xs = [r["sent"] - r["received"] for r in rs]
                b.emit("lib.queue", name, "lost_at_close", max(xs), "messages", xs, rver if name.startswith("redis") else rs[0]["version"],
                       sent=rs[0]["sent"], shape=shape, runs_with_loss=sum(x > 0 for x in xs))
        if name == "redis-pipelined":
            continue
        for mode in ("pp", "ppawake"):
            for size in args.sizes.split(","):
                rs = [r for r in (go(argv + [mode, size, str(args.iters), tmp] + opt) for _ in range(args.runs)) if r]
                if not rs:
                    continue
                v = rver if name.startswith("redis") else rs[0]["version"]
                for k in ("p50_ns", "p99_ns"):
                    xs = [r[k] for r in rs]
                    b.emit("lib.queue", name, "roundtrip_" + k[:3], b.median(xs), "ns", xs, v, size=int(size),
                           cores="awake" if mode == "ppawake" else "may sleep")
finally:
    if redis:
        redis.terminate()
        redis.wait()
    shutil.rmtree(tmp, ignore_errors=True)
