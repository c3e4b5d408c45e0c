#!/usr/bin/python3
"""CPython's side of the queue bench; same meaning and output as queue_main.c:
    queue_cpython.py queue|simplequeue tput PRODUCERS CONSUMERS SIZE COUNT DIR
    queue_cpython.py queue|simplequeue pp|ppawake SIZE ITERS DIR
"""
import json
import multiprocessing as mp
import os
import platform
import struct
import sys
import time

VERSION = "%s %s" % (platform.python_implementation(), platform.python_version())
kind, mode = sys.argv[1:3]
ctx = mp.get_context("fork")
now = time.monotonic_ns


def pin(cpu):
    n = os.cpu_count() or 1
    if n > 1 and cpu >= 0:
        os.sched_setaffinity(0, {cpu % n})


def make():
    return ctx.Queue() if kind == "queue" else ctx.SimpleQueue()


def producer(q, i, size, count, ready, go, cpu):
    pin(cpu)
    pad = b"Z" * (size - 8)
    pack = struct.Struct("=Q").pack
    ready.release()
    go.wait()
    put = q.put
    for k in range(1, count + 1):
        put(pack(i << 48 | k) + pad)


def consumer(q, out, ready, go, cpu, size):
    pin(cpu)
    unpack = struct.Struct("=Q").unpack_from
    last = {}
    n = bad = 0
    ready.release()
    go.wait()
    get = q.get
    while True:
        m = get()
        if m is None:
            break
        h = unpack(m)[0]
        p, k = h >> 48, h & 0xffffffffffff
        if k <= last.get(p, 0) or len(m) != size:
            bad += 1
        last[p] = k
        n += 1
    out.put((n, bad, now()))


def spinner(cpu):
    pin(cpu)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


def echo(a, b, n, ready):
    pin(1)
    ready.release()
    for _ in range(n):
        b.put(a.get())
    time.sleep(0.5)     # let the feeder thread finish


if mode == "tput":
    np, nc, size, count = map(int, sys.argv[3:7])
    per = count // np
    q, out, ready, go = make(), ctx.SimpleQueue(), ctx.Semaphore(0), ctx.Event()
    one = np == 1 and nc == 1
    cs = [ctx.Process(target=consumer, args=(q, out, ready, go, 1 if one else -1, size), daemon=True) for _ in range(nc)]
    ps = [ctx.Process(target=producer, args=(q, i, size, per, ready, go, 0 if one else -1), daemon=True) for i in range(np)]
    for p in cs + ps:
        p.start()
    for _ in cs + ps:
        ready.acquire()
    time.sleep(0.2)
    t0 = now()
    go.set()
    for p in ps:
        p.join()
    for _ in cs:
        q.put(None)
    res = [out.get() for _ in cs]
    for p in cs:
        p.join()
    t1 = max(r[2] for r in res)
    n = sum(r[0] for r in res)
    if n != per * np:
        sys.exit("only %d of %d messages" % (n, per * np))
    s = (t1 - t0) / 1e9
    print(json.dumps({"version": VERSION, "messages": n, "seconds": s, "per_s": n / s, "ns": s * 1e9 / n,
                      "errors": sum(r[1] for r in res)}))
else:
    size, iters = int(sys.argv[3]), int(sys.argv[4])
    warm = iters // 10 + 1
    a, b, ready = make(), make(), ctx.Semaphore(0)
    ps = [ctx.Process(target=spinner, args=(c,), daemon=True) for c in (0, 1)] if mode == "ppawake" else []
    e = ctx.Process(target=echo, args=(a, b, iters + warm, ready), daemon=True)
    for p in ps + [e]:
        p.start()
    pin(0)
    ready.acquire()
    m = b"Z" * size
    for _ in range(warm):
        a.put(m)
        b.get()
    lat = []
    for _ in range(iters):
        t = now()
        a.put(m)
        b.get()
        lat.append(now() - t)
    for p in ps:
        p.kill()
        p.join()
    e.join()
    lat.sort()
    print(json.dumps({"version": VERSION, "p50_ns": lat[len(lat) // 2], "p99_ns": lat[int(len(lat) * .99)]}))
