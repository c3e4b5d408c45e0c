"""The text format of Prometheus, read strictly: what a scraper could trip over is an error."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SAMPLE = re.compile(r"^(%s)(?:\{(.*)\})? (\S+)$" % NAME)
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}


def labels(text):
    found, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match, "bad labels: %s" % text
        assert match[1] not in found, "a label twice: %s" % text
        found[match[1]] = match[2].replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
        at = match.end()
    return found


def parse(data):
    """{name: {frozenset(labels): value}}"""
    text = data.decode("utf-8")
    assert text.endswith("\n"), "the last line has no end"
    families, helps, types, current = {}, set(), {}, None
    for line in text[:-1].split("\n"):
        match = re.match(r"^# (HELP|TYPE) (%s) (.+)$" % NAME, line)
        if match and match[1] == "HELP":
            assert match[2] not in helps, "HELP twice: %s" % line
            helps.add(match[2])
            continue
        if match:
            assert match[3] in TYPES and match[2] not in types, line
            current = match[2]
            types[current] = match[3]
            families[current] = {}
            continue
        match = SAMPLE.match(line)
        assert match, "no sample: %r" % line
        assert match[1] == current, "%s is not with its family" % line
        assert types[current] != "counter" or current.endswith("_total"), current
        key = frozenset(labels(match[2] or "").items())
        assert key not in families[current], "a sample twice: %s" % line
        families[current][key] = float(match[3])
    assert helps == set(types), "HELP and TYPE of different families"
    return families
