#!/usr/bin/python3
"""Runs all benches one after another and appends their JSON lines to a file.

    ./run_all.py --out baseline.jsonl                     everything (about an hour and a half)
    ./run_all.py --out x.jsonl --only sup_start,sup_stop  some
    ./run_all.py --out x.jsonl --quick                    small sizes, to see that all works
    ./run_all.py --out x.jsonl --only sup_start -- --peer 'reeve=supervisord:path/to/reeved'
                                                          everything after -- goes to each bench
"""
import argparse
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BENCHES = [
    # script, arguments, arguments of --quick
    ("sup_idle", [], ["--n", "10", "--seconds", "3", "--runs", "1"]),
    ("sup_restart", [], ["--samples", "3", "--young", "2"]),
    ("sup_memory", [], ["--n", "1,10", "--runs", "1"]),
    ("sup_start", [], ["--n", "1,10", "--runs", "1"]),
    ("sup_start", ["--n", "100", "--log", "file"], None),
    ("sup_stop", [], ["--n", "10", "--runs", "1"]),
    ("sup_massdeath", [], ["--n", "50", "--runs", "1"]),
    ("sup_api", [], ["--n", "10", "--seconds", "0.5", "--runs", "1"]),
    ("sup_log", [], ["--bytes", "20000000", "--runs", "1"]),
    ("sup_init", [], ["--runs", "1", "--spawns", "20"]),
    ("lib_signal", [], ["--runs", "1", "--iters", "2000", "--cross", "500"]),
    ("lib_lost", [], ["--runs", "1", "--count", "5000"]),
    ("lib_spawn", [], ["--runs", "1", "--count", "100", "--heap-count", "20"]),
    ("lib_queue", [], ["--runs", "1", "--seconds", "0.2"]),
    ("lib_locks", [], ["--runs", "1", "--seconds", "0.2"]),
]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", required=True)
    ap.add_argument("--only", help="comma-separated script names")
    ap.add_argument("--quick", action="store_true")
    argv, extra = sys.argv[1:], []
    if "--" in argv:
        i = argv.index("--")
        argv, extra = argv[:i], argv[i + 1:]
    a = ap.parse_args(argv)
    only = a.only.split(",") if a.only else None
    bad = 0
    for name, full, quick in BENCHES:
        if only and name not in only:
            continue
        if a.quick and quick is None:
            continue
        path = os.path.join(HERE, name + ".py")
        if not os.path.exists(path):
            continue
        cmd = [sys.executable, path, "--out", os.path.abspath(a.out)] + (quick if a.quick else full) + extra
        print("##", name, " ".join(cmd[4:]), file=sys.stderr, flush=True)
        t = time.time()
        rc = subprocess.call(cmd, cwd=HERE)
        print("## %s: %.0f s, exit %d" % (name, time.time() - t, rc), file=sys.stderr, flush=True)
        bad |= rc != 0
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
