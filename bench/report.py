#!/usr/bin/python3
"""Markdown tables from the benches' JSON lines:  report.py FILE.jsonl [MORE.jsonl ...]
Of several records of the same thing the last one counts, so a peer can be measured again by appending."""
import json
import sys

recs = {}
for path in sys.argv[1:]:
    for line in open(path):
        line = line.strip()
        if not line.startswith("{"):
            continue
        r = json.loads(line)
        p = r.get("params", {})
        key = (r["bench"], r["peer"], r["metric"]) + tuple(
            (k, p.get(k)) for k in ("n", "log", "child", "runscript", "chunk", "bytes", "method", "keepalive", "clients", "heap_mib",
                                    "shape", "size", "how", "cores", "processes_besides", "where") if k in p)
        recs[key] = r
R = list(recs.values())


def sel(bench, metric=None, **p):
    return [r for r in R if r["bench"] == bench and (metric is None or r["metric"] == metric)
            and all(r.get("params", {}).get(k) == v for k, v in p.items())]


def peers(rs):
    out = []
    for r in rs:
        if r["peer"] not in out:
            out.append(r["peer"])
    return out


def num(v):
    if v is None:
        return "-"
    if isinstance(v, str):
        return v
    a = abs(v)
    if a >= 1e6:
        return "%.2fM" % (v / 1e6)
    if a >= 1e4:
        return "{:,.0f}".format(v)
    if a >= 100 or v == int(v):
        return "%.0f" % v
    if a >= 10:
        return "%.1f" % v
    return "%.2f" % v


def table(title, head, rows):
    rows = [r for r in rows if any(c is not None for c in r[1:])]
    if not rows:
        return
    print("\n%s\n" % title)
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for r in rows:
        print("| " + " | ".join(num(c) for c in r) + " |")


def val(bench, metric, peer, scale=1.0, **p):
    for r in sel(bench, metric, **p):
        if r["peer"] == peer:
            return None if r["value"] is None else r["value"] * scale
    return None


def par(bench, metric, peer, name, **p):
    for r in sel(bench, metric, **p):
        if r["peer"] == peer:
            return r.get("params", {}).get(name)
    return None


def spread(bench, metric, peer, scale=1.0, **p):
    for r in sel(bench, metric, **p):
        if r["peer"] == peer and r.get("runs"):
            return "%s..%s" % (num(min(r["runs"]) * scale), num(max(r["runs"]) * scale))
    return None


def best(bench, metric, peer, **p):
    for r in sel(bench, metric, **p):
        if r["peer"] == peer:
            return "%s (%s)" % (num(r["value"]), num(max(r["runs"])))
    return None


def ns_of(bench, key):
    return sorted({r.get("params", {}).get(key) for r in sel(bench)} - {None})


def main():
    m = "sup.memory"
    ns = ns_of(m, "n")
    for logs, what in (("none", "no logging"), ("file", "each program's stdout logged to its file")):
        table("**A1 memory of the supervisor's own processes, %s** (MiB PSS, in brackets RSS; processes at the largest N)" % what,
              ["peer"] + ["N=%d" % n for n in ns] + ["processes"],
              [[p] + [("%s (%s)" % (num(val(m, "pss", p, 1 / 1024, n=n, log=logs)), num(val(m, "rss", p, 1 / 1024, n=n, log=logs))))
                      if val(m, "pss", p, n=n, log=logs) is not None else None for n in ns]
               + [par(m, "pss", p, "processes", n=max([n for n in ns if val(m, "pss", p, n=n, log=logs) is not None] or [0]), log=logs)]
               for p in peers(sel(m, log=logs))])
    m = "sup.start"
    ns = ns_of(m, "n")
    for logs in ("none", "file"):
        table("**A2 start: exec of the supervisor until all N children are in main()** (ms, logging: %s; in brackets the first child)" % logs,
              ["peer"] + ["N=%d" % n for n in ns],
              [[p] + [("%s (%s)" % (num(val(m, "all_running", p, n=n, log=logs)), num(val(m, "first_running", p, n=n, log=logs))))
                      if val(m, "all_running", p, n=n, log=logs) is not None else None for n in ns] for p in peers(sel(m, log=logs))])
    m = "sup.restart"
    table("**A3 restart: SIGKILL of the child until the new one is in main()** (ms)",
          ["peer", "old child: median", "p99", "min", "max", "samples", "young child (0.1 s), each", "gave up"],
          [[p] + [val(m, k, p, child="old") for k in ("median", "p99", "min", "max")] + [par(m, "median", p, "samples", child="old")]
           + [", ".join(num(x) for r in sel(m, "each", child="young") if r["peer"] == p for x in r["runs"][:10]) or None,
              par(m, "each", p, "gave_up", child="young")] for p in peers(sel(m))])
    m = "sup.idle"
    table("**A4 idle cost of the supervisor's processes, 100 idle programs, 20 s**",
          ["peer", "voluntary switches", "involuntary", "CPU ms", "processes"],
          [[p, val(m, "voluntary_switches", p, n=100), val(m, "involuntary_switches", p, n=100), val(m, "cpu", p, n=100),
            par(m, "cpu", p, "processes", n=100)] for p in peers(sel(m))])
    m = "sup.log"
    for c in ns_of(m, "chunk"):
        for w in ns_of(m, "where") or [None]:
            q = dict(chunk=c, **({"where": w} if w else {}))
            table("**A5 log throughput, 100-byte lines, child writes %d bytes at a time**%s" % (c, ", logs " + w if w else ""),
                  ["peer", "MB/s", "spread", "supervisor CPU s", "CPU s per GB", "GB written", "rotation", "check of the kept lines"],
                  [[p, val(m, "rate", p, **q), spread(m, "rate", p, **q), val(m, "supervisor_cpu", p, **q),
                    val(m, "supervisor_cpu", p, **q) / (par(m, "rate", p, "bytes", **q) / 1e9), par(m, "rate", p, "bytes", **q) / 1e9,
                    par(m, "rate", p, "rotate", **q), ", ".join(par(m, "rate", p, "check", **q))] for p in peers(sel(m, "rate", **q))])
    m = "sup.massdeath"
    for n in ns_of(m, "n"):
        table("**A6 mass death: %d children SIGKILLed at once** (ms)" % n,
              ["peer", "half run again", "all run again", "spread", "lost", "started twice"],
              [[p, val(m, "half_running", p, n=n), val(m, "all_running", p, n=n), spread(m, "all_running", p, n=n), val(m, "lost", p, n=n),
                par(m, "all_running", p, "restarted_twice", n=n)] for p in peers(sel(m, n=n))])
    m = "sup.api"
    rows = []
    for p in peers(sel(m)):
        for meth in ns_of(m, "method"):
            for keep in (True, False):
                for c in ns_of(m, "clients"):
                    q = dict(method=meth, keepalive=keep, clients=c)
                    rows.append([p, meth.replace("supervisor.", ""), "yes" if keep else "no", str(c)]
                                + [val(m, k, p, **q) for k in ("rps", "p50_us", "p99_us", "cpu_us")] + [par(m, "rps", p, "answer_bytes", **q)])
    table("**A7 XML-RPC on the unix socket, 100 programs** (latency and daemon CPU in us)",
          ["peer", "method", "keep-alive", "clients", "requests/s", "p50", "p99", "CPU/request", "answer bytes"], rows)
    table("**A7 status of 100 services on the command line** (ms)", ["peer", "median", "spread"],
          [[p, val("sup.status", "wall", p), spread("sup.status", "wall", p)] for p in peers(sel("sup.status"))])
    m = "sup.stop"
    table("**A8 orderly stop of 100 children and the supervisor** (ms)", ["peer", "median", "spread"],
          [[p, val(m, "all_gone", p, n=100), spread(m, "all_gone", p, n=100)] for p in peers(sel(m))])
    m = "sup.init"
    table("**A9 one-child inits**", ["peer", "run a static true, us", "PSS KiB", "RSS KiB", "signal through it, us", "p99"],
          [[p, val(m, "run_true", p), val(m, "pss", p), val(m, "rss", p), val(m, "signal_through", p), par(m, "signal_through", p, "p99")]
           for p in peers(sel(m))])

    m = "lib.signal"
    table("**B1 signal dispatch** (ns; self: round trip; cross: one way from the other core; awake: the same, receiver's core kept from sleeping)",
          ["peer", "self", "spread", "cross p50", "cross p99", "awake p50", "awake p99"],
          [[p, val(m, "self", p), spread(m, "self", p)] + [val(m, k, p) for k in ("cross_p50", "cross_p99", "awake_p50", "awake_p99")]
           for p in peers(sel(m))])
    m = "lib.lost"
    table("**B2 100,000 SIGRTMIN by sigqueue() from another process**",
          ["peer", "callbacks", "spread", "payload", "in order", "callbacks/s"],
          [[p, "not supported" if par(m, "received", p, "unsupported") else val(m, "received", p), spread(m, "received", p),
            {True: "yes", False: "no", None: "-"}[par(m, "received", p, "payload")],
            {True: "yes", False: "no", "unknown": "cannot tell", None: "-"}[par(m, "received", p, "in_order")], val(m, "rate", p)]
           for p in peers(sel(m))])
    m = "lib.spawn"
    hs = ns_of(m, "heap_mib")
    table("**B3 spawn + reap of a static program** (us, p50 with mean in brackets; parent's touched heap)",
          ["peer"] + ["%d MiB" % h for h in hs],
          [[p] + [("%s (%s)" % (num(val(m, "p50", p, heap_mib=h)), num(val(m, "mean", p, heap_mib=h)))) if val(m, "p50", p, heap_mib=h) is not None else None
                  for h in hs] for p in peers(sel(m))])
    m = "lib.queue"
    cols = [(s, z) for s in ("1x1", "2x2", "4x4") for z in ns_of(m, "size")]
    table("**B4 queues between processes: messages/s, median (best)** (1x1 pinned to two cores, the others not pinned)",
          ["peer"] + ["%s, %d B" % c for c in cols] + ["lost of 200,000 when the producers close and end (worst run)"],
          [[p] + [best(m, "per_s", p, shape=s, size=z, how="tput") for s, z in cols]
           + [val(m, "lost_at_close", p)] for p in peers(sel(m))])
    cols = [(z, c) for z in ns_of(m, "size") for c in ("may sleep", "awake")]
    table("**B4 queues: round trip A-B-A on two cores** (us, p50 / p99)",
          ["peer"] + ["%d B, cores %s" % c for c in cols],
          [[p] + [("%s / %s" % (num(val(m, "roundtrip_p50", p, 1e-3, size=z, cores=c)), num(val(m, "roundtrip_p99", p, 1e-3, size=z, cores=c))))
                  if val(m, "roundtrip_p50", p, size=z, cores=c) is not None else None for z, c in cols] for p in peers(sel(m))])
    m = "lib.locks"
    table("**B5 locks between processes**",
          ["peer", "uncontended ns", "spread", "2 processes: pairs/s", "spread", "share of the slower", "exact"],
          [[p, val(m, "uncontended", p), spread(m, "uncontended", p), val(m, "contended", p), spread(m, "contended", p),
            par(m, "contended", p, "smaller_share"), {True: "yes", False: "NO", None: "-"}[par(m, "contended", p, "exact")]] for p in peers(sel(m))])
    print("\n**Versions**\n")
    vs = {}
    for r in R:
        if r.get("version"):
            vs.setdefault(r["version"], set()).add(r["peer"])
    for v, ps in sorted(vs.items()):
        print("- %s: %s" % (v, ", ".join(sorted(ps))))


main()
