#!/usr/bin/python3
"""multiprocessing.Lock in the lock bench; same meaning and output as locks_main.c:  locks_cpython.py alone|two SECONDS"""
import json
import multiprocessing as mp
import os
import platform
import sys
import time

VERSION = "%s %s" % (platform.python_implementation(), platform.python_version())
mode, secs = sys.argv[1], float(sys.argv[2])
ctx = mp.get_context("fork")
lock = ctx.Lock()
now = time.monotonic_ns


def pin(cpu):
    n = os.cpu_count() or 1
    if n > 1:
        os.sched_setaffinity(0, {cpu % n})


def work(i, go, stop, counter, res):
    pin(i)
    go.wait()
    n = 0
    mv = memoryview(counter).cast("B").cast("Q")
    st = memoryview(stop).cast("B")
    while not st[0]:
        with lock:
            mv[0] += 1
        n += 1
    res[i] = n


if mode == "alone":
    pin(0)
    n = 0
    t0 = now()
    while True:
        for _ in range(1000):
            lock.acquire()
            lock.release()
        n += 1000
        t1 = now()
        if t1 - t0 >= secs * 1e9:
            break
    print(json.dumps({"version": VERSION, "ns": (t1 - t0) / n, "pairs": n}))
else:
    go, stop = ctx.Event(), ctx.RawValue("b", 0)
    counter, res = ctx.RawValue("Q", 0), ctx.RawArray("Q", 2)
    ps = [ctx.Process(target=work, args=(i, go, stop, counter, res), daemon=True) for i in (0, 1)]
    for p in ps:
        p.start()
    time.sleep(0.2)
    t0 = now()
    go.set()
    time.sleep(secs)
    stop.value = 1
    for p in ps:
        p.join()
    t1 = now()
    n = res[0] + res[1]
    print(json.dumps({"version": VERSION, "per_s": n / ((t1 - t0) / 1e9), "smaller_share": min(res) / n if n else 0,
                      "exact": counter.value == n}))
