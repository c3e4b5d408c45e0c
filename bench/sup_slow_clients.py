#!/usr/bin/python3
"""Starting a program while slow clients hold connections: from startProcess, asked on a new connection, until the program is in
main(). First without them, then with CLIENTS of them, each of which has sent half of a request's head and adds a byte a second."""
import resource
import socket
import threading
import time

import benchlib as b
import drivers
from api_client import Client

ap = drivers.arguments(__doc__, "supervisord")
ap.add_argument("--clients", type=int, default=1000)
ap.add_argument("--samples", type=int, default=20)
args = ap.parse_args()

HEAD = b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


class Slow:
    """The slow clients: a thread that feeds them."""

    def __init__(self, path, count):
        self.sockets, self.ended, self.refused = [], threading.Event(), 0
        for i in range(count):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(5)
            try:
                s.connect(path)
                s.send(HEAD)
            except OSError:
                self.refused += 1
            self.sockets.append(s)
        self.thread = threading.Thread(target=self.feed)
        self.thread.start()

    def feed(self):
        while not self.ended.wait(1):
            for s in self.sockets:
                try:
                    s.send(b"x")
                except OSError:
                    pass

    def close(self):
        self.ended.set()
        self.thread.join()
        for s in self.sockets:
            s.close()


def start_one(d):
    with Client(d.socket) as client:
        t = b.now_ns()
        client.supervisor.startProcess("p", False)
        found = d.reports.collect(1, 30, tick=0)
        if not found:
            raise RuntimeError("%s: the program did not start in 30 s" % d.name)
    with Client(d.socket) as client:
        client.supervisor.stopProcess("p")
    return (found[0][3] - t) / 1e6


def measure(d, slow, refused):
    values = [start_one(d) for _ in range(args.samples)]
    b.emit("sup.slow_clients", d.name, "start", b.median(values), "ms", values, d.version(), clients=slow, refused=refused)


soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
for make in drivers.make_drivers(args):
    d = make()
    slow = None
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        d.configure(1, [b.prog("benchchild"), "{i}"], opts={"autostart": "false", "process_name": "p", "startsecs": "0"})
        d.start()
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                with Client(d.socket) as client:
                    client.supervisor.getState()
                break
            except OSError:
                time.sleep(0.1)
        measure(d, 0, 0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, args.clients + 200), hard))
        slow = Slow(d.socket, args.clients)
        measure(d, args.clients, slow.refused)
    except (RuntimeError, OSError) as e:
        b.log("%s: %s" % (d.name, e))
        b.emit("sup.slow_clients", d.name, "start", None, "ms", [], d.version(), clients=args.clients)
    finally:
        if slow:
            slow.close()
        d.cleanup()
