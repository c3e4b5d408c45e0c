"""Clients that mean no good, or are broken: supervisor's fault where it has one, else an error that says what; in bounded memory, and
in nobody else's way. Of reeved alone where supervisord would be brought down."""
import os
import re
import resource
import signal
import socket

import pytest
import watching

import api

METHOD = "<methodCall><methodName>%s</methodName><params>%s</params></methodCall>"
VERSION = api.call("supervisor.getAPIVersion")


def post(body, *headers):
    return api.request("POST /RPC2 HTTP/1.1", body, *headers)


def info(value):
    return post(METHOD % ("supervisor.getProcessInfo", "<param><value>%s</value></param>" % value))


def answers(served):
    assert api.once(served.socket, VERSION).status == 200


@pytest.fixture
def up(served):
    served.start("[program:up]\ncommand = cat\nstartsecs = 0\n")
    served.wait_running("up")
    yield served
    answers(served)
    assert served.stop() == 0


@pytest.fixture
def ours(reeved_served):
    reeved_served.gateways_may_die = False
    reeved_served.start("[program:up]\ncommand = cat\nstartsecs = 0\n")
    reeved_served.wait_running("up")
    answers(reeved_served)
    gateway = gateway_of(reeved_served)
    yield reeved_served
    answers(reeved_served)
    assert gateway_of(reeved_served) == gateway or reeved_served.gateways_may_die
    assert reeved_served.stop() == 0


def gateway_of(served):
    """The pid of the process that answers."""
    for pid in watching.descendants_of(served.pid):
        with open("/proc/%d/comm" % pid) as file:
            if "gateway" in file.read():
                return pid
    raise AssertionError("there is no gateway")


def peak_of(pid):
    """The most memory that a process ever had, in bytes."""
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) * 1024


def test_malformed_calls(up):
    for body in ("<", "<a>", "</a>", "\0", "<methodCall>", METHOD[:40], "<a/><b/>", "\xff\xfe", "<!DOCTYPE", "<?xml", "&", "<a b=c/>", "<a b='c' b='c'/>",
                 METHOD % ("x", "<param><value><int></int></value></param>"), METHOD % ("x", "<param><value><int>1.5</int></value></param>"),
                 METHOD % ("x", "<param><value><array/></value></param>"), METHOD % ("x", "<param/>"), "x" * 10000):
        assert api.once(up.socket, post(body)).status == 400, body[:200]


def test_wrong_types(ours):
    """Where supervisord says 500, a fault, or a status that is no success, but never a crash."""
    for value in ("<int>1</int>", "<boolean>1</boolean>", "<double>1.5</double>", "<array><data/></array>", "<struct/>", "<nil/>", "<i8>1</i8>",
                  "<array><data><value>up</value></data></array>", "<base64>dXA=</base64>", "<base64>!</base64>", "<int>99999999999999999999</int>",
                  "<int>-0</int>", "<boolean>x</boolean>", "<dateTime.iso8601>20200101T00:00:00</dateTime.iso8601>", "<unknown/>",
                  "<struct><member/></struct>", "<struct><member><name>a</name></member></struct>"):
        for name in ("supervisor.getProcessInfo", "supervisor.startProcess", "supervisor.readProcessLog", "supervisor.signalProcess",
                     "supervisor.sendProcessStdin", "system.multicall", "system.methodHelp", "supervisor.addProcessGroup",
                     "supervisor.readLog", "supervisor.stopAllProcesses", "supervisor.sendRemoteCommEvent"):
            for count in 1, 2, 3:
                answer = api.once(ours.socket, post(METHOD % (name, ("<param><value>%s</value></param>" % value) * count)))
                assert answer.status in (200, 400, 500), (name, value)
                if answer.status == 200 and name == "supervisor.getProcessInfo" and "dXA=" not in value:
                    assert b"<fault>" in answer.body, (name, value)


def test_strange_multicalls(ours):
    value = "<param><value><array><data>%s</data></array></value></param>"
    for inner in ("<value>x</value>", "<value><int>1</int></value>", "<value><struct/></value>", "<value><array><data/></array></value>",
                  "<value><struct><member><name>methodName</name><value><int>1</int></value></member></struct></value>",
                  "<value><struct><member><name>methodName</name><value>supervisor.getPID</value></member>"
                  "<member><name>params</name><value>x</value></member></struct></value>"):
        answer = api.once(ours.socket, post(METHOD % ("system.multicall", value % inner)))
        assert answer.status in (200, 400, 500), inner
    many = "<value><struct><member><name>methodName</name><value>supervisor.getPID</value></member></struct></value>" * 10000
    answer = api.once(ours.socket, post(METHOD % ("system.multicall", value % many)))
    assert answer.status in (200, 400, 413)
    deep = "<value><struct><member><name>methodName</name><value>system.multicall</value></member>" \
        "<member><name>params</name><value><array><data><value><array><data/></array></value></data></array></value></member></struct></value>"
    assert b"Recursive" in api.once(ours.socket, post(METHOD % ("system.multicall", value % deep))).body


def bomb():
    lines = ['<!ENTITY a0 "up">'] + ['<!ENTITY a%d "%s">' % (i, ("&a%d;" % (i - 1)) * 10) for i in range(1, 12)]
    return "<!DOCTYPE x [%s]>" % "".join(lines) + METHOD % ("supervisor.getProcessInfo", "<param><value>&a11;</value></param>")


def test_entities(ours):
    """None is ever expanded, of this document or of another one."""
    for body in (bomb(), "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + METHOD % ("supervisor.getProcessInfo", "<param><value>&a;</value></param>"),
                 "<!DOCTYPE x [<!ENTITY % a SYSTEM 'file:///etc/passwd'> %a;]>" + METHOD.replace("%s", "x"),
                 METHOD % ("supervisor.getProcessInfo", "<param><value>&a;</value></param>")):
        answer = api.once(ours.socket, post(body))
        assert answer.status == 400 or b"<fault>" in answer.body
        assert b"root:" not in answer.body
    assert peak_of(gateway_of(ours)) < 64 << 20


def test_nesting(ours):
    """Of elements that mean something, and of others."""
    for depth in 10, 100, 1000, 20000:
        for one, other in ("<array><data><value>", "</value></data></array>"), ("<x>", "</x>"), \
                ("<struct><member><name>a</name><value>", "</value></member></struct>"):
            answer = api.once(ours.socket, info(one * depth + other * depth))
            assert answer.status in (200, 400, 413, 500)
    assert peak_of(gateway_of(ours)) < 64 << 20


def drained(wire, data):
    """Send until it is taken no more. How many bytes were."""
    sent = 0
    try:
        for piece in data:
            wire.socket.sendall(piece)
            sent += len(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return sent


def test_a_body_of_a_gibibyte(ours):
    """Said beforehand, which is refused at once. Found out in chunks, which are not kept."""
    piece = b"x" * (1 << 16)
    with api.Wire(ours.socket) as wire:
        wire.send(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
        assert drained(wire, (piece for _ in range(1 << 14))) < 1 << 30
    with api.Wire(ours.socket) as wire:
        wire.send(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        drained(wire, (b"%x\r\n%s\r\n" % (len(piece), piece) for _ in range(1 << 10)))
        drained(wire, [b"0\r\n\r\n"])
        try:
            assert wire.file.readline().split()[1:2] in ([], [b"413"])
        except ConnectionResetError:
            pass
    for length in b"18446744073709551616", b"-1", b"99999999999999999999999999", b"0x10", b"1 1", b"":
        with api.Wire(ours.socket) as wire:
            wire.send(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n<x/>" % length)
            wire.socket.shutdown(socket.SHUT_WR)
            try:
                line = wire.file.readline()
            except ConnectionResetError:
                line = b""
            assert line == b"" or 400 <= int(line.split()[1]) < 500, (length, line)
    assert peak_of(gateway_of(ours)) < 96 << 20


def test_long_lines_and_many_headers(ours):
    for data in (b"GET /" + b"x" * 1000000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 1000000 + b"\r\n\r\n",
                 b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100000 + b"\r\n", b"x" * 1000000, b"\r\n" * 100000, b"GET / HTTP/9.9\r\n\r\n",
                 b"\0" * 1000, b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost x\r\n\r\n", b"POST /RPC2 HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
        with api.Wire(ours.socket) as wire:
            drained(wire, [data])
            if api.readable(wire.socket):
                line = wire.file.readline()
                assert line == b"" or int(line.split()[1]) in (200, 400, 404, 413, 414, 431, 501, 505), (data[:40], line)
        answers(ours)
    assert peak_of(gateway_of(ours)) < 64 << 20


def test_names_are_names(up):
    """No method makes a path of one. A byte that is no XML is a document that is none."""
    for name in ("../../../../etc/passwd", "/etc/passwd", "up/../../etc/passwd", "up\0", "up%00", "up\n", "\xff\xfe", "x" * 10000, "%s%n%d",
                 "up:../../../etc/passwd", "..", ".", "*", "up:up:up", "\u202eup"):
        for method, more in ("readProcessLog", "<param><value><int>0</int></value></param>" * 2), ("getProcessInfo", ""), \
                ("tailProcessStderrLog", "<param><value><int>0</int></value></param>" * 2), ("clearProcessLogs", ""), ("startProcess", ""):
            answer = api.once(up.socket, post(METHOD % ("supervisor." + method, "<param><value>%s</value></param>%s" % (name, more))))
            assert answer.status == 400 if "\0" in name else b"BAD_NAME" in answer.body, (name, method, answer)


def test_paths_are_no_files(ours):
    for path in "/logtail/../../etc/passwd", "/logtail/%2e%2e/%2e%2e/etc/passwd", "/logtail//etc/passwd", "/page/../../../etc/passwd", "/page/%2e%2e%2f", \
            "//etc/passwd", "/logtail/nope%00", "/logtail/" + "x" * 5000, "/stylesheets/../../etc/passwd", "/api/v1/processes/../../x", "/%", "/%zz", "/?%":
        answer = api.once(ours.socket, api.request("GET %s HTTP/1.1" % path))
        assert b"root:" not in answer.body
        assert answer.status in (200, 400, 404, 414), (path, answer.status)


@pytest.fixture
def descriptors():
    """Room for a thousand connections of ours."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < 4096:
        pytest.skip("not so many descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


SLOW = {
    "nothing": b"",
    "half a head": b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nX-A: ",
    "half a body": b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<methodCall>",
    "chunks": b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<meth",
    "idle": VERSION,
    "does not read": VERSION * 200,
    "events": b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n",
    "tails": b"GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("how", SLOW)
def test_a_thousand_slow_clients(ours, descriptors, how):
    """They hold connections, and nothing else: others are answered, programs are started."""
    wires = []
    try:
        for _ in range(1000):
            slow = socket.socket(socket.AF_UNIX)
            slow.setblocking(False)
            slow.connect(str(ours.socket))
            wires.append(slow)
            try:
                slow.send(SLOW[how])
            except (BrokenPipeError, ConnectionResetError, BlockingIOError):
                pass
            if len(wires) % 50 == 0:  # the backlog of who connects is finite
                answers(ours)
        for _ in range(3):
            with ours.client() as client:
                assert client.supervisor.stopProcess("up") is True
                assert client.supervisor.startProcess("up") is True
    finally:
        for slow in wires:
            slow.close()
    assert peak_of(gateway_of(ours)) < 200 << 20


def test_the_gateway_is_killed_and_nobody_minds(ours):
    """One broken connection, and then the next gateway."""
    ours.gateways_may_die = True
    with ours.client() as client:
        pid = client.supervisor.getProcessInfo("up")["pid"]
        for _ in range(3):
            gone = gateway_of(ours)
            os.kill(gone, signal.SIGKILL)
            watching.wait_end(gone)
            answers(ours)
        with ours.client() as again:
            assert again.supervisor.getProcessInfo("up")["pid"] == pid
