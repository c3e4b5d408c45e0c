"""Event listeners in a test's configuration, and what they got."""
import json
import os
import pathlib
import sys

import watching

LISTENER = pathlib.Path(__file__).with_name("listener.py")


def section(events, name="l", options="", **keys):
    """An [eventlistener:x] whose events arrive at `reports`; without startsecs, so that it gets the first ones at once."""
    keys = dict(dict(startsecs=0, buffer_size=1000, stopwaitsecs=30), **keys)
    return "[eventlistener:%s]\ncommand = %s %s {dir}/reports %s\nevents = %s\n" % (name, sys.executable, LISTENER, options, events) + "".join(
        "%s = %s\n" % item for item in keys.items())


class Events:
    """What listeners told of, in the order in which it came."""

    def __init__(self, reports):
        self.reports, self.taken = reports, 0

    def next(self):
        """The next line that a listener wrote."""
        number, _ = self.reports.wait("", self.taken)
        self.taken = number + 1
        return json.loads(self.reports.lines[number])

    def event(self):
        """The next event."""
        while True:
            line = self.next()
            if "head" in line:
                return line

    def find(self, name, holds=""):
        """The next event of that type whose data has this in it; those before it are passed over."""
        while True:
            event = self.event()
            if event["head"]["eventname"] == name and holds in event["data"]:
                return event

    def rest(self):
        """Those that have come by now."""
        while self.reports.read(0):
            pass
        lines = [json.loads(line) for line in self.reports.lines[self.taken :]]
        self.taken = len(self.reports.lines)
        return [line for line in lines if "head" in line]


class Go(watching.Fifo):
    """A FIFO that listeners wait at: each byte lets one go on."""

    def go(self, times=1):
        assert os.write(self.fd, b"\n" * times) == times
