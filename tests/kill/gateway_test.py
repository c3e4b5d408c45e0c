"""Clients while reeved's own processes are killed: what was asked for is done once, and answered where the gateway lives."""
import os
import signal
import threading

import api
import pytest
import roles
import watching

PROGRAM = """
[program:x]
command = /bin/sh -c 'echo start $$ > {dir}/reports; echo said; read x; exec sleep 1000'
autostart = false
startsecs = %d
"""


@pytest.fixture
def reeved(reeved_served):
    return reeved_served


def client_of(reeved):
    return api.Client(reeved.dir / "supervisor.sock")


class Call(threading.Thread):
    """One call of the API, under way."""

    def __init__(self, reeved, method, *arguments):
        super().__init__(daemon=True)
        self.reeved, self.method, self.arguments, self.outcome = reeved, method, arguments, "no answer"
        self.start()

    def run(self):
        with client_of(self.reeved) as client:
            self.outcome = api.outcome(getattr(client.supervisor, self.method), *self.arguments)

    def result(self):
        self.join(watching.LIMIT)
        return self.outcome


def starts(reports):
    while reports.read(0):
        pass
    return len(reports.matching("start"))


def kill(reeved, role, keeper=None):
    """Kill it, and wait for its successor."""
    pid = roles.wait_pid_of(role, keeper or reeved.pid)
    os.kill(pid, signal.SIGKILL)
    return roles.wait_pid_of(role, keeper or reeved.pid, other_than=pid)


def successor(reeved, keeper):
    """The pid of the one that takes a killed keeper's place."""
    if keeper == reeved.pid:
        reeved.process.wait()
    return int(watching.wait_file(reeved.dir / "supervisord.pid", lambda text: text.endswith(b"\n") and int(text) != keeper))


@pytest.mark.parametrize("startsecs", [0, 1])
def test_a_core_that_is_killed_before_it_acts_leaves_the_request_to_the_next(reeved, reports, startsecs):
    reeved.start(PROGRAM % startsecs)
    core = roles.wait_pid_of("core", reeved.pid)
    os.kill(core, signal.SIGSTOP)
    call = Call(reeved, "startProcess", "x")
    os.kill(core, signal.SIGKILL)
    assert call.result() is True
    reports.wait("start")
    assert starts(reports) == 1
    assert reeved.stop() == 0


def test_a_core_that_is_killed_while_a_client_waits_has_it_answered_by_the_next(reeved, reports):
    reeved.start(PROGRAM % 2)
    call = Call(reeved, "startProcess", "x")
    reports.wait("start")
    kill(reeved, "core")
    assert call.result() is True
    assert starts(reports) == 1
    call = Call(reeved, "stopProcess", "x")
    kill(reeved, "core")
    assert call.result() is True
    assert reeved.stop() == 0


def test_a_gateway_that_is_killed_costs_its_clients_a_connection_and_nothing_else(reeved, reports):
    reeved.start(PROGRAM % 1000)
    with api.Wire(reeved.dir / "supervisor.sock") as wire:
        body = api.BODY % ("supervisor.startProcess", "<param><value><string>x</string></value></param>")
        wire.send("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        reports.wait("start")
        kill(reeved, "gateway")
        assert wire.ends()
    with client_of(reeved) as client:
        assert client.supervisor.getProcessInfo("x")["statename"] == "STARTING"
    assert starts(reports) == 1
    assert reeved.stop() == 0


def test_no_attempt_to_connect_is_refused_while_gateways_die(reeved):
    reeved.start(PROGRAM % 0)
    for _ in range(4):
        gateway = roles.wait_pid_of("gateway", reeved.pid)
        os.kill(gateway, signal.SIGKILL)
        with client_of(reeved) as client:  # connects before there is another one
            assert client.supervisor.getState()["statename"] == "RUNNING"
    assert reeved.stop() == 0


def test_a_scribe_that_is_killed_leaves_the_question_to_the_next(reeved, reports):
    reeved.start(PROGRAM % 0 + "stdout_logfile = {dir}/x.log\n")
    with client_of(reeved) as client:
        client.supervisor.startProcess("x")
    watching.wait_file(reeved.dir / "x.log", lambda text: text == b"said\n")
    scribe = roles.wait_pid_of("scribe", reeved.pid)
    os.kill(scribe, signal.SIGSTOP)
    call = Call(reeved, "readProcessStdoutLog", "x", 0, 0)
    os.kill(scribe, signal.SIGKILL)
    assert call.result() == "said\n"
    assert reeved.stop() == 0


def test_the_next_keeper_has_the_servers_too(reeved, reports):
    reeved.start(PROGRAM % 0)
    keeper = reeved.pid
    socket_file = (reeved.dir / "supervisor.sock").lstat().st_ino
    for _ in range(3):
        os.kill(keeper, signal.SIGKILL)
        with client_of(reeved) as client:
            assert client.supervisor.getState()["statename"] == "RUNNING"
        keeper = successor(reeved, keeper)
    assert (reeved.dir / "supervisor.sock").lstat().st_ino == socket_file
    os.kill(keeper, signal.SIGTERM)
    watching.wait_end(keeper)
    assert not (reeved.dir / "supervisor.sock").exists()


@pytest.mark.parametrize("order", [("gateway", "core"), ("core", "gateway"), ("gateway", "scribe"), ("scribe", "gateway"),
                                   ("gateway", "keeper", "gateway"), ("core", "keeper", "gateway", "core")], ids="-".join)
def test_each_finds_the_others_again(reeved, reports, order):
    reeved.start(PROGRAM % 0 + "stdout_logfile = {dir}/x.log\n")
    with client_of(reeved) as client:
        client.supervisor.startProcess("x")
    watching.wait_file(reeved.dir / "x.log", lambda text: text == b"said\n")
    keeper = reeved.pid
    for role in order:
        if role == "keeper":
            os.kill(keeper, signal.SIGKILL)
            keeper = successor(reeved, keeper)
            roles.wait_pid_of("core", keeper)
        else:
            kill(reeved, role, keeper)
    with client_of(reeved) as client:
        assert client.supervisor.readProcessStdoutLog("x", 0, 0) == "said\n"
        assert client.supervisor.stopProcess("x") is True
        assert client.supervisor.startProcess("x") is True
        reports.wait("start", after=1)
        assert client.supervisor.shutdown() is True
    watching.wait_end(keeper)
    assert starts(reports) == 2
