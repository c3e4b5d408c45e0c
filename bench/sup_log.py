#!/usr/bin/python3
"""Log throughput: a child writes BYTES of 100-byte lines to stdout as fast as it can; the supervisor's
logger files them, rotating at 50 MB with 10 old files kept.

Wall time runs from the child's main() until the last line is in the log file; CPU is that of the
supervisor's processes (loggers included, the child not).  Afterwards every kept line is checked to be
whole and in sequence.
"""
import os
import time

import benchlib as b
import drivers

ap = drivers.arguments(__doc__, "cat,supervisord,s6,runit,daemontools")
ap.add_argument("--bytes", type=int, default=1 << 30)
ap.add_argument("--chunk", default="64000,100", help="sizes of the child's writes (100 = one write per line)")
ap.add_argument("--where", default="in memory", help="a word for the report: what kind of place --workdir is")
ap.add_argument("--limit", type=float, default=170, help="give up on a run after so many seconds")
args = ap.parse_args()
END = b"END"


def ended(d):
    """Is the last line in the log? Looks at the end of the two newest files."""
    try:
        fs = d.log_files()
    except FileNotFoundError:
        return False
    for f in fs[-2:]:
        try:
            with open(f, "rb") as h:
                h.seek(0, 2)
                h.seek(max(0, h.tell() - 120))
                if END in h.read():
                    return True
        except FileNotFoundError:
            pass
    return False


def check(d, nlines):
    """Every kept line whole and in sequence, the last one being the END line? (lines kept, verdict)"""
    carry, want, kept = b"", None, 0
    for f in d.log_files():
        with open(f, "rb") as h:
            data = carry + h.read()
        if want is None:
            # the oldest kept file may begin in the middle of a line
            data = data[data.index(b"\n") + 1:] if not (data[:12].isdigit() and data[99:100] == b"\n") else data
            want = int(data[:12])
        full = len(data) // 100 * 100
        for o in range(0, full, 100):
            if data[o + 99] != 10 or int(data[o:o + 12]) != want:
                return kept, "line %d broken or out of sequence" % want
            want += 1
            kept += 1
        carry = data[full:]
    if carry or want != nlines + 1:
        return kept, "ends at line %s of %d" % (want, nlines)
    return kept, "ok"


for make in drivers.make_drivers(args):
    for chunk in drivers.ints(args.chunk):
        wall, cpu, rate, verdicts = [], [], [], []
        for _ in range(args.runs):
            d = make()
            try:
                d.configure(1, [b.prog("benchchild"), "spew:%d:%d" % (args.bytes, chunk)], log_to="file")
                d.start()
                recs = d.reports.collect(1, 30)
                t0 = recs[0][3]
                own, _k = d.split()
                base = sum(map(b.cpu_ns, own))
                end = time.monotonic() + args.limit
                t_end = None
                while time.monotonic() < end:
                    if d.reports.collect(1, 0.2, kind=2, tick=0):
                        while time.monotonic() < end and not ended(d):
                            time.sleep(0.001)
                        t_end = b.now_ns() if ended(d) else None
                        break
                if t_end is None:
                    b.log("%s: not finished in %g s" % (d.name, args.limit))
                    continue
                own2, _k = d.split()
                c = sum(map(b.cpu_ns, own2)) - base
                wall.append((t_end - t0) / 1e9)
                cpu.append(c / 1e9)
                rate.append(args.bytes / 1e6 / wall[-1])
                kept, ok = check(d, args.bytes // 100)
                verdicts.append(ok)
                v = d.version()
            finally:
                d.cleanup()
        if not wall:
            continue
        p = dict(bytes=args.bytes, chunk=chunk, where=args.where, rotate={"daemontools": "16MB x10", "cat": "none"}.get(d.kind, "50MB x10"),
                 check=sorted(set(verdicts)), lines_kept=kept, logger=d.logger)
        b.emit("sup.log", d.name, "rate", b.median(rate), "MB/s", rate, v, **p)
        b.emit("sup.log", d.name, "wall", b.median(wall), "s", wall, v, **p)
        b.emit("sup.log", d.name, "supervisor_cpu", b.median(cpu), "s", cpu, v, **p)
