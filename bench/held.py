"""What the benches' lines are held to: records, and the lines of the table that are made of them."""
import json

import benchlib as b


class Records:
    """The benches' lines."""

    def __init__(self, lines):
        self.all = [json.loads(line) for line in lines if line.startswith("{")]

    def peers(self, bench, metric, **params):
        """Whoever did that."""
        return list(dict.fromkeys(record["peer"] for record in self.all if self.find(bench, metric, record["peer"], **params)))

    def find(self, bench, metric, peer, **params):
        """Every round's record of one thing."""
        return [record for record in self.all
                if (record["bench"], record["metric"], record["peer"]) == (bench, metric, peer) and record["value"] is not None
                and all(record.get("params", {}).get(key) == value for key, value in params.items())]

    def value(self, *key, **params):
        """The median of the rounds, or None where there is none."""
        rounds = self.find(*key, **params)
        return b.median([record["value"] for record in rounds]) if rounds else None


class Result:
    """One line of the table: what was measured, against what, and whether the target is held (None: not measured; a word: why
    there is none)."""

    def __init__(self, what, ours, theirs, target, held, ratio=None):
        self.what, self.ours, self.theirs, self.target, self.held, self.ratio = what, ours, theirs, target, held, ratio

    def cells(self):
        held = {True: "held", False: "NOT HELD", None: "not measured"}.get(self.held, self.held)
        return [self.what, self.ours, self.theirs, "-" if self.ratio is None else "%.2f" % self.ratio, self.target, held]


def number(value, unit=""):
    if value is None:
        return "-"
    return ("%.3g" % value if abs(value) < 1000 else "{:,.0f}".format(value)) + (" " + unit if unit else "")


def at_most(what, ours, theirs, factor, unit, peer, target=None):
    """Ours is at most `factor` times theirs."""
    target = target or "at most %g times %s" % (factor, peer)
    ratio = None if ours is None or not theirs else ours / theirs
    return Result(what, number(ours, unit), "%s %s" % (peer, number(theirs, unit)), target,
                  None if ratio is None else ratio <= factor, ratio)


def at_least(what, ours, theirs, factor, unit, peer, target=None):
    """Ours, a rate, is at least `factor` times theirs."""
    target = target or "at least %g of %s" % (factor, peer)
    ratio = None if ours is None or not theirs else ours / theirs
    return Result(what, number(ours, unit), "%s %s" % (peer, number(theirs, unit)), target,
                  None if ratio is None else ratio >= factor, ratio)


def for_reference(result):
    """The same line, that is held to nothing."""
    result.target, result.held = "-", None if result.held is None else "for reference"
    return result


def no_slower_than_best(what, ours, peers, unit):
    """peers: {name: value}. Ours is no slower than the fastest of them."""
    known = {name: value for name, value in peers.items() if value is not None}
    best = min(known, key=known.get) if known else "-"
    return at_most(what, ours, known.get(best), 1, unit, best, "no slower than the best")
