#!/usr/bin/python3
"""CPython's side of the signal bench:  sig_cpython.py signal|asyncio|sigwaitinfo self|cross|awake|lost COUNT

Same meaning and output as sig_main.c; the sender is the C program build/sigsend.
"""
import asyncio
import json
import mmap
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SEND = os.path.join(os.environ.get("RB_BUILD", os.path.join(HERE, "..", "build")), "sigsend")
variant, mode, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
VERSION = "%s %s" % (platform.python_implementation(), platform.python_version())
now = time.monotonic_ns
ncpu = os.cpu_count() or 1
if ncpu > 1:
    os.sched_setaffinity(0, {0})

seen = 0
t_cb = 0
values = []


def on(*_a):
    global seen, t_cb
    seen += 1
    t_cb = now()


signo = signal.SIGRTMIN if mode == "lost" else signal.SIGUSR1
loop = None
if variant == "signal":
    signal.signal(signo, lambda s, f: on())
elif variant == "asyncio":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.add_signal_handler(signo, on)
elif variant == "sigwaitinfo":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signo})


def wait(ms):
    """Dispatch something, or wait ms (-1: for ever)."""
    if variant == "signal":
        if mode != "self":
            time.sleep(3600 if ms < 0 else ms / 1000) if seen == was else None
    elif variant == "asyncio":
        h = loop.call_later(ms / 1000, lambda: None) if ms >= 0 else None
        loop._run_once() if hasattr(loop, "_run_once") else None
        if h:
            h.cancel()
    else:
        if (signal.sigwaitinfo({signo}) if ms < 0 else signal.sigtimedwait({signo}, ms / 1000)) is not None:
            on()


if variant == "asyncio":
    # _run_once() wants the loop marked as running
    asyncio._set_running_loop(loop)
    loop._thread_id = __import__("threading").get_ident()

if mode == "self":
    me = os.getpid()
    if variant == "signal":
        def step():
            global was
            was = seen
            os.kill(me, signo)
            while seen == was:
                pass
    else:
        def step():
            global was
            was = seen
            os.kill(me, signo)
            while seen == was:
                wait(-1)
    for _ in range(count // 10):
        step()
    t = now()
    for _ in range(count):
        step()
    print(json.dumps({"version": VERSION, "ns": (now() - t) / count}))
    sys.exit(0)

fd, path = tempfile.mkstemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
os.ftruncate(fd, 4096)
mm = mmap.mmap(fd, 4096)
u32, u64 = memoryview(mm).cast("I"), memoryview(mm).cast("Q")
spin = 0
if mode == "awake":
    mode = "cross"
    spin = os.fork()
    if spin == 0:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        end = time.monotonic() + 150
        while time.monotonic() < end:
            pass
        os._exit(0)
p = subprocess.Popen([SEND, mode, path, str(os.getpid()), str(count), str(int(signo))])
try:
    if mode == "cross":
        class Woken(Exception):
            pass
        if variant == "signal":
            def on_exc(*_a):
                global seen, t_cb
                t_cb = now()
                seen += 1
                raise Woken          # the way out of sleep(): PEP 475 would go on sleeping
            signal.signal(signo, on_exc)
        lat = []
        for i in range(1, count + 1):
            was = seen
            try:
                u32[0] = i
                while seen == was:
                    wait(-1)
            except Woken:
                pass
            lat.append(t_cb - u64[2])
        p.wait()
        lat.sort()
        print(json.dumps({"version": VERSION, "p50_ns": lat[len(lat) // 2], "p99_ns": lat[int(len(lat) * .99)]}))
    else:
        u32[1] = 1
        quiet = 0
        while quiet < 6:
            was = seen
            wait(50)
            quiet = quiet + 1 if seen == was and u32[2] else 0
        p.wait()
        print(json.dumps({"version": VERSION, "sent": u64[4], "received": seen, "payload": False, "payloads": 0,
                          "in_order": None, "sender_retries": u64[3], "seconds": (t_cb - u64[5]) / 1e9}))
finally:
    if spin:
        os.kill(spin, signal.SIGKILL)
        os.waitpid(spin, 0)
    if p.poll() is None:
        p.kill()
        p.wait()
    os.unlink(path)
