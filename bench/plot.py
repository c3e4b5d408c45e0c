"""Bar charts of what was measured, as SVG, into plots/: `make plots`.

Written here and not by a plotting package: an SVG that is readable in light and in dark needs a style sheet of its own, which neither
matplotlib nor gnuplot writes, and a row of bars is two lines of text each. The scale is logarithmic: the peers are up to a thousand
times apart.
"""
import math
import os
from xml.sax.saxutils import escape

STYLE = """text{font:13px system-ui,sans-serif;fill:#1f2328}.t{font-weight:600;font-size:15px}.n{fill:#59636e}.b{fill:#fff}
.reeve{fill:#0969da}.floor{fill:#bf8700}.peer{fill:#8c959f}.g{stroke:#d1d9e0}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.n{fill:#9198a1}.b{fill:#0d1117}.reeve{fill:#4493f8}.floor{fill:#d29922}
.peer{fill:#656c76}.g{stroke:#3d444d}}"""
NAMES = {
    "reeve-strict": "reeve, strict order", "reeve-lanes": "reeve, lanes", "reeve-strict-spin": "reeve, strict order, spinning",
    "reeve-lanes-spin": "reeve, lanes, spinning", "shm-spsc-spin": "raw SPSC ring (floor)", "shm-mpmc-spin": "spinning MPMC ring (floor)",
    "shm-mutex-cond": "mutex + cond ring", "zeromq-ipc": "ZeroMQ ipc", "seqpacket": "SOCK_SEQPACKET", "posix-mq": "POSIX mq",
    "cpython-simplequeue": "multiprocessing.SimpleQueue", "cpython-queue": "multiprocessing.Queue", "memcpy": "memcpy (floor)",
    "futex": "futex ping-pong", "futex-spin": "ping-pong, spinning (floor)", "pthread-mutex-robust": "robust pthread mutex",
    "posix-sem-pshared": "sem_t", "sysv-sem-undo": "SysV semaphore, undo", "cpython-mp-lock": "multiprocessing.Lock",
    "reeve-lock": "reeve, lock", "reeve-semaphore": "reeve, semaphore", "reeve-owned-semaphore": "reeve, owned semaphore",
}
LEFT, RIGHT, WIDTH, ROW = 210, 110, 760, 24


def number(value):
    return "%.3g" % value if value < 1000 else "{:,.0f}".format(value)


def kind(peer):
    return "reeve" if peer.startswith("reeve") else "floor" if "(floor)" in NAMES.get(peer, "") else "peer"


def panel(out, top, title, unit, bars):
    """One group of bars, from `top` down; returns where it ends. bars: {peer: value}"""
    low = 10 ** math.floor(math.log10(min(bars.values()) * 0.7))
    span = math.log10(max(bars.values()) / low)
    width = WIDTH - LEFT - RIGHT
    out.append('<text class="n" x="10" y="%d">%s</text>' % (top + 14, escape("%s, %s" % (title, unit))))
    top += 24
    for power in range(int(span) + 1):
        x = LEFT + width * power / span
        out.append('<path class="g" d="M%.1f %dv%d"/>' % (x, top, ROW * len(bars)))
    for peer, value in bars.items():
        length = width * math.log10(value / low) / span
        out.append('<text x="%d" y="%d" text-anchor="end">%s</text><rect class="%s" x="%d" y="%d" width="%.1f" height="16"/>'
                   '<text x="%.1f" y="%d">%s</text>' % (LEFT - 8, top + 16, escape(NAMES.get(peer, peer)), kind(peer), LEFT, top + 4,
                                                         length, LEFT + length + 6, top + 16, number(value)))
        top += ROW
    return top + 14


def chart(path, title, better, panels):
    """panels: [(title, unit, {peer: value})]; those without a figure of reeve's are left out, and a chart without any."""
    panels = [p for p in panels if any(kind(peer) == "reeve" for peer in p[2])]
    if not panels:
        return
    out, top = [], 38
    for name, unit, bars in panels:
        top = panel(out, top, name, unit, dict(sorted(bars.items(), key=lambda item: item[1], reverse=better == "more is better")))
    with open(path, "w", encoding="utf-8") as file:
        file.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">\n<title>%s</title>\n'
                   '<style>%s</style>\n<rect class="b" width="%d" height="%d"/>\n<text class="t" x="10" y="22">%s</text>'
                   '<text class="n" x="%d" y="22" text-anchor="end">%s; logarithmic</text>\n%s\n</svg>\n'
                   % (WIDTH, top, WIDTH, top, escape(title), STYLE, WIDTH, top, escape(title), WIDTH - 10, better, "\n".join(out)))


def values(found, bench, metric, factor=1.0, **params):
    every = {peer: found.value(bench, metric, peer, **params) for peer in found.peers(bench, metric, **params)}
    return {peer: value * factor for peer, value in every.items() if value}


def draw(found, directory):
    os.makedirs(directory, exist_ok=True)

    def queue(shape, size, how="tput"):
        return values(found, "lib.queue", "ns", shape=shape, size=size, how=how)

    def rate(size, how):
        return values(found, "lib.queue", "per_s", size / 1e9, shape="1x1", size=size, how=how)

    def pairs(how):
        found_pairs = values(found, "lib.locks", how)
        return found_pairs if how == "uncontended" else {peer: 1e9 / value for peer, value in found_pairs.items()}

    charts = {
        "queue": ("64-byte messages between processes", "less is better",
                  [("1 producer, 1 consumer", "ns a message", queue("1x1", 64))]),
        "many": ("64-byte messages, several producers and consumers", "less is better",
                 [("%s producers, %s consumers" % (n, n), "ns a message", queue("%sx%s" % (n, n), 64)) for n in "24"]),
        "large": ("Large messages, 1 producer, 1 consumer", "more is better",
                  [("%s, %s" % (size, word), "GB/s", rate(number_, how)) for size, number_ in (("4 KiB", 4096), ("1 MiB", 1 << 20))
                   for word, how in (("in place", "inplace"), ("copied", "tput"))]),
        "pingpong": ("64 bytes there and back between two processes", "less is better",
                     [("median", "ns", values(found, "lib.queue", "roundtrip_p50", size=64, cores="may sleep"))]),
        "locks": ("Lock and unlock between processes", "less is better",
                  [(word, "ns a pair", pairs(how)) for how, word in (("uncontended", "uncontended"), ("contended", "two processes contend"))]),
    }
    for name, (title, better, panels) in charts.items():
        chart(os.path.join(directory, name + ".svg"), title, better, panels)
