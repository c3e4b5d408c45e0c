"""The rows of the table that are about the API: requests, their cost, the command line's status, load, memory, slow clients."""
from held import Result, at_least, at_most, number

METHODS = ("getProcessInfo", 10, 20), ("getAllProcessInfo", 25, 40)


def api(found):
    for method, faster, cheaper in METHODS:
        for clients in 1, 8:
            def value(metric, peer):
                return found.value("sup.api", metric, peer, method="supervisor." + method, keepalive=True, clients=clients, n=100)
            what = "%s, 100 programs, %d keep-alive client%s: " % (method, clients, "s" if clients > 1 else "")
            yield at_least(what + "requests", value("rps", "reeve"), value("rps", "supervisord"), faster, "/s", "supervisord",
                           "at least %d times as many" % faster)
            yield at_most(what + "CPU of all roles", value("cpu_us", "reeve"), value("cpu_us", "supervisord"), 1 / cheaper, "us", "supervisord",
                          "at most 1/%d" % cheaper)
    ours, theirs = found.value("sup.status", "wall", "reeve"), found.value("sup.status", "wall", "runit")
    result = at_most("reevectl status, 100 programs", ours, found.value("sup.status", "wall", "supervisord"), 1, "ms", "supervisorctl",
                     "at most 5 ms, or `sv status` (%s)" % number(theirs, "ms"))
    result.held = None if ours is None else ours <= max(5, theirs or 0)
    yield result


def api_load(found):
    for method, _faster, _cheaper in METHODS:
        def p99(peer, load):
            return found.value("sup.api_load", "p99_us", peer, method="supervisor." + method, load=load)
        result = at_most("%s while a log storms and 20 programs crash-loop: p99" % method, p99("reeve", "storm"), p99("reeve", "none"), 3, "us", "idle",
                         "at most 3 times idle's (supervisord %s)" % number(p99("supervisord", "storm"), "us"))
        yield result


def api_memory(found):
    def mib(metric, peer):
        value = found.value("sup.api_memory", metric, peer)
        return None if value is None else value / 1024
    rounds = found.find("sup.api_memory", "growth", "reeve")
    count = number(min((record["params"]["requests"] for record in rounds), default=None))
    yield at_most("PSS of all roles, both servers on, after %s requests" % count, mib("pss", "reeve"), mib("pss", "supervisord"), 0.25, "MiB",
                  "supervisord", "at most a quarter")
    growth = mib("growth", "reeve")
    yield Result("the same: growth over the last nine tenths of them", number(growth, "MiB"), "supervisord %s" % number(mib("growth", "supervisord"), "MiB"),
                 "none (what one buffer takes)", None if growth is None else growth < 0.25)


def slow_clients(found):
    def start(peer, clients):
        return found.value("sup.slow_clients", "start", peer, clients=clients)
    yield at_most("start of a program while 1000 slow clients hold connections", start("reeve", 1000), start("reeve", 0), 1.25, "ms", "without them",
                  "unchanged (supervisord %s, %s)" % (number(start("supervisord", 0)), number(start("supervisord", 1000), "ms")))


# as in table.py
ROWS = {
    "api": (api, "sup_api", ["--seconds", "2", "--status-runs", "10"], (2, 5), ["supervisord", "runit"]),
    "api-load": (api_load, "sup_api_load", ["--seconds", "2"], (2, 5), ["supervisord"]),
    "api-memory": (api_memory, "sup_api_memory", [], (1, 1), ["supervisord"]),
    "slow-clients": (slow_clients, "sup_slow_clients", [], (2, 5), ["supervisord"]),
}
