#!/usr/bin/python3
"""CPython's side of the spawn bench:  spawn_cpython.py popen|posix_spawn PROGRAM COUNT HEAP_MIB
Same meaning and output as spawn_main.c."""
import json
import mmap
import os
import platform
import subprocess
import sys
import time

how, prog, count, heap = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if heap:
    hold = mmap.mmap(-1, heap << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        hold.madvise(mmap.MADV_NOHUGEPAGE)
    except (AttributeError, OSError):
        pass
    for o in range(0, heap << 20, 4096):
        hold[o] = 1
argv = [prog]
env = os.environ


def popen():
    return subprocess.Popen(argv).wait()


def spawn():
    return os.waitpid(os.posix_spawn(prog, argv, env), 0)[1]


run = {"popen": popen, "posix_spawn": spawn}[how]
for _ in range(count // 20 + 1):
    assert run() == 0
lat = []
t0 = a = time.monotonic_ns()
for _ in range(count):
    run()
    b = time.monotonic_ns()
    lat.append(b - a)
    a = b
lat.sort()
print(json.dumps({"version": "%s %s" % (platform.python_implementation(), platform.python_version()),
                  "mean_us": (a - t0) / count / 1e3, "p50_us": lat[count // 2] / 1e3, "p99_us": lat[int(count * .99)] / 1e3}))
