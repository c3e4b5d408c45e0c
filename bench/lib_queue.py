#!/usr/bin/python3
"""Queues between processes: messages/s with one producer and one consumer (pinned to two processors) and with more of both (not
pinned), copied or in place; round trip over two queues. Redis is started privately on a unix socket."""
import os
import shutil
import subprocess
import tempfile
import time

import benchlib as b
import liblib

ap = liblib.arguments(__doc__, 5)
ap.add_argument("--do", default="tput,inplace,close,pp,ppawake", help="of these modes of queue_main.c")
ap.add_argument("--sizes", default="64,4096,1048576")
ap.add_argument("--shape", default="1x1,2x2,4x4")
ap.add_argument("--seconds", type=float, default=1.5, help="about how long a throughput run shall take")
ap.add_argument("--closes", type=int, default=5, help="runs of: consumers are slow, producers close and end at once; is all received?")
ap.add_argument("--iters", type=int, default=10000, help="round trips")
args = ap.parse_args()
KNOWN = {
    "reeve-strict": "queue_reeve_strict", "reeve-lanes": "queue_reeve_lanes",
    "reeve-strict-spin": "queue_reeve_strict", "reeve-lanes-spin": "queue_reeve_lanes",
    "shm-spsc-spin": "queue_shm", "shm-mpmc-spin": "queue_mpmc", "shm-mutex-cond": "queue_cond", "memcpy": "memcpy",
    "futex": "queue_futex", "futex-spin": "queue_futex",
    "pipe": "queue_pipe", "seqpacket": "queue_seqpacket", "posix-mq": "queue_mq", "zeromq-ipc": "queue_zmq",
    "redis": "queue_redis", "redis-pipelined": "queue_redis",
    "cpython-simplequeue": liblib.python("queue_cpython.py", "simplequeue"),
    "cpython-queue": liblib.python("queue_cpython.py", "queue"),
}
PINGPONG_ONLY = "futex", "futex-spin"


def start_redis(directory):
    """(process, version), or None where it is not installed."""
    if not shutil.which("redis-server"):
        b.log("skipping redis: not installed")
        return None
    process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", directory + "/r.sock", "--save", "",
                                "--appendonly", "no", "--daemonize", "no", "--dir", directory],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        if os.path.exists(directory + "/r.sock"):
            break
        time.sleep(0.05)
    text = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout
    return process, text.split("v=")[1].split()[0]


class Bench:
    def __init__(self, peers, directory, redis):
        self.peers, self.directory = dict(peers), directory
        self.redis, self.redis_version = redis or (None, None)
        self.options = {"redis": [directory + "/r.sock"], "redis-pipelined": [directory + "/r.sock,64"],
                        "futex-spin": ["spin"], "reeve-strict-spin": ["spin"], "reeve-lanes-spin": ["spin"]}

    def run(self, name, *words):
        """What the program says, or None if it failed or cannot do that."""
        argv = self.peers[name] + [str(word) for word in words] + [self.directory] + self.options.get(name, [])
        result = liblib.run(argv, extra=[self.redis.pid] if self.redis else [])
        return result if result and "unsupported" not in result else None

    def emit(self, name, metric, value, unit, results, runs, **params):
        version = self.redis_version if name.startswith("redis") else results[0]["version"]
        b.emit("lib.queue", name, metric, value, unit, runs, version, **params)

    def throughput(self, how, shape, size):
        producers, consumers = shape.split("x")
        counts = {}
        for name in self.peers:
            if name in PINGPONG_ONLY or (name.startswith("cpython") and how != "tput"):
                continue
            few = max(40, min(20000, (32 << 20) // size))
            tried = self.run(name, how, producers, consumers, size, few)
            if tried:
                counts[name] = int(min(30e6, max(few, tried["per_s"] * args.seconds)))
        done = liblib.rounds({name: lambda name=name: self.run(name, how, producers, consumers, size, counts[name])
                              for name in counts}, args.runs)
        for name, results in done.items():
            for key, unit in ("per_s", "1/s"), ("ns", "ns"):
                runs = [r[key] for r in results]
                self.emit(name, key, b.median(runs), unit, results, runs, shape=shape, size=size, how=how, messages=counts[name],
                          errors=sum(r["errors"] for r in results), failed_runs=args.runs - len(results))

    def close(self):
        for name in self.peers:
            if name.startswith("cpython") or name in PINGPONG_ONLY:
                continue
            shape = "1x1" if name.startswith("shm-spsc") else "2x2"
            results = [r for r in (self.run(name, "close", *shape.split("x"), 64, 200000) for _ in range(args.closes)) if r]
            if results:
                runs = [r["sent"] - r["received"] for r in results]
                self.emit(name, "lost_at_close", max(runs), "messages", results, runs, sent=results[0]["sent"], shape=shape,
                          runs_with_loss=sum(lost > 0 for lost in runs))

    def roundtrip(self, how, size):
        names = [name for name in self.peers if name not in ("redis-pipelined", "memcpy")]
        iters = max(50, min(args.iters, args.iters * 4096 // size))
        done = liblib.rounds({name: lambda name=name: self.run(name, how, size, iters) for name in names}, args.runs)
        for name, results in done.items():
            for key in "p50_ns", "p99_ns":
                runs = [r[key] for r in results]
                self.emit(name, "roundtrip_" + key[:3], b.median(runs), "ns", results, runs, size=size,
                          cores="awake" if how == "ppawake" else "may sleep")


def main():
    peers = liblib.choose(args, KNOWN)
    directory = tempfile.mkdtemp(prefix="rbq", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    redis = None
    try:
        if any(name.startswith("redis") for name, _ in peers):
            redis = start_redis(directory)
            if redis is None:
                peers = [peer for peer in peers if not peer[0].startswith("redis")]
        bench = Bench(peers, directory, redis)
        sizes = [int(size) for size in args.sizes.split(",")]
        for how in args.do.split(","):
            if how == "close":
                bench.close()
            elif how in ("pp", "ppawake"):
                for size in sizes:
                    bench.roundtrip(how, size)
            else:
                for shape in args.shape.split(","):
                    for size in sizes:
                        bench.throughput(how, shape, size)
    finally:
        if redis:
            redis[0].terminate()
            redis[0].wait()
        shutil.rmtree(directory, ignore_errors=True)


main()
