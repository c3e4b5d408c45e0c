"""HTTP byte by byte: what is answered to whom, connections that stay and that end, who may ask, and the web page's actions."""
import base64
import hashlib
import html
import os
import re
import urllib.parse

import pytest
import watching

import api

VERSION = api.call("supervisor.getAPIVersion")
XML = VERSION.partition(b"\r\n\r\n")[2]


def get(path, *headers):
    return api.request("GET %s HTTP/1.1" % path, b"", *headers)


def post(body, *headers):
    return api.request("POST /RPC2 HTTP/1.1", body, *headers)


def info(value):
    """A request for the state of what `value`, XML, names."""
    return post("<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param>%s</param></params></methodCall>" % value)


def statuses(where, rows):
    """{what differs: (status, what was expected)} of rows of (bytes, status or several)."""
    wrong = {}
    for data, expected in rows:
        found = api.once(where, data).status
        if found not in (expected if isinstance(expected, tuple) else (expected,)):
            wrong[data[:300]] = found, expected
    return wrong


@pytest.fixture
def up(served):
    served.start("[program:up]\ncommand = cat\nstartsecs = 0\n[program:down]\ncommand = cat\nautostart = false\nstartsecs = 0\n"
                 "[program:nofile]\ncommand = /nowhere/x\nautostart = false\n[program:noexec]\ncommand = /etc/passwd\nautostart = false\n"
                 "[program:silent]\ncommand = sleep 1000\nautostart = false\nstdout_logfile = NONE\nstderr_logfile = NONE\n"
                 "[program:bad]\ncommand = /bin/false\nautostart = false\nstartretries = 0\nstartsecs = 60\n")
    served.wait_running("up")
    yield served
    assert served.stop() == 0


def test_an_answer_in_full(up):
    answer = api.once(up.socket, VERSION)
    assert (answer.status, answer.version, answer.headers["Content-Type"]) == (200, 11, "text/xml")
    assert answer.headers["Date"].endswith(" GMT")
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.body == (b"<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><string>3.0</string></value>\n</param>\n"
                           b"</params>\n</methodResponse>\n")
    answer = api.once(up.socket, api.call("nope"))
    assert answer.status == 200
    assert answer.body == (b"<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n"
                           b"<value><int>1</int></value>\n</member>\n<member>\n<name>faultString</name>\n"
                           b"<value><string>UNKNOWN_METHOD</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n")


def test_what_is_no_request_of_a_method(up):
    assert not statuses(up.socket, [
        (get("/RPC2"), 400),
        (VERSION.replace(b"POST", b"PUT"), 400),
        (VERSION.replace(b"/RPC2 ", b"/RPC2/x "), 200),
        (VERSION.replace(b"/RPC2 ", b"/RPC2?x "), 200),
        (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 411),
        (post("<x"), 400),
        (post("x"), 400),
        (post("<methodCall/>"), 400),
        (post("<methodCall><methodName></methodName></methodCall>"), 400),
        (post("<methodResponse><params><param><value>up</value></param></params></methodResponse>"), 400),
        (post("<methodCall><methodName>supervisor.getAPIVersion</methodName></methodCall>"), 200),
        (post("<methodCall><methodName>supervisor.getAPIVersion</methodName><params/></methodCall>"), 200),
        (post("\ufeff<methodCall><methodName>supervisor.getAPIVersion</methodName></methodCall>"), 200),
        (get("/nothing"), 404),
        (get("/RPC"), 404),
        (get("/../../../../etc/passwd"), 404),
        (get("/%2e%2e/%2e%2e/%2e%2e/etc/passwd"), 404),
        (get("/logtail/nope"), 404),
        (get("/logtail/nope/stderr"), 404),
        (get("/logtail/up/nope"), 404),
        (get("/logtail/up:*"), 404),
        (get("/logtail/silent"), 404),
        (get("/logtail/../../../../etc/passwd"), 404),
        (get("/logtail/%2e%2e%2f%2e%2e%2fetc%2fpasswd"), 404),
    ])


def test_values(up):
    """Each type of a value that a client can send."""
    def fault(value):
        found = re.search(rb"<string>([^<]*)</string>", api.once(up.socket, info(value)).body)
        return found and found[1].decode()
    for value in ["up", "<string>up</string>", "<base64>dXA=</base64>", "<string>&#x75;p</string>", "<string><![CDATA[up]]></string>",
                  " <string>up</string>\n"]:
        assert fault("<value>%s</value>" % value) == "up"
    for value, name in [("<value/>", ""), ("<value><string/></value>", ""), ("<value> up </value>", " up "),
                        ("<value>&lt;up&gt;&amp;</value>", "&lt;up&gt;&amp;"), ("<value><string>\u00fc\u20ac</string></value>", "\u00fc\u20ac")]:
        assert fault(value) == "BAD_NAME: " + name
    assert not statuses(up.socket, [(info("<value>%s</value>" % value), status) for value, status in [
        ("<int>x</int>", 400), ("<double>x</double>", 400), ("<dateTime.iso8601>x</dateTime.iso8601>", 400)]])
    assert not statuses(up.socket, [(info(""), 400)])


def test_connections_stay(up):
    """Unless they are HTTP/1.0, and the client did not ask for that."""
    with api.Wire(up.socket) as wire:
        for byte in VERSION:
            wire.send(bytes([byte]))
        assert wire.answer().status == 200
        assert wire.send(get("/nothing")).answer().status == 404
        assert wire.send(VERSION).answer().status == 200
    with api.Wire(up.socket) as wire:
        wire.send(VERSION + get("/ok.html") + api.call("nope") + VERSION)
        assert [wire.answer().body[:5] for _ in range(4)] == [b"<?xml", b"OK", b"<?xml", b"<?xml"]
    with api.Wire(up.socket) as wire:
        assert wire.send(VERSION.replace(b"HTTP/1.1", b"HTTP/1.0")).answer().status == 200
        assert wire.ends()
    with api.Wire(up.socket) as wire:
        for _ in range(2):
            answer = wire.send(VERSION.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\nConnection: keep-alive\r\n")).answer()
            assert (answer.status, answer.headers["Connection"].lower()) == (200, "keep-alive")
    with api.Wire(up.socket) as wire:
        assert wire.send(VERSION.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n")).answer().status == 200
        assert wire.ends()


def test_connections_that_end_early(up):
    """In the middle of anything (1596)."""
    for count in (0, 1, 20, len(VERSION) - 1, len(VERSION)):
        for _ in range(5):
            with api.Wire(up.socket) as wire:
                wire.send(VERSION[:count])
    wires = [api.Wire(up.socket).send(get("/mainlogtail")) for _ in range(5)]
    for wire in wires:
        assert wire.head()[0].split()[1] == "200"
        wire.close()
    assert api.once(up.socket, VERSION).status == 200


def test_head_and_ok(up):
    assert api.once(up.socket, get("/ok.html")).body == b"OK"
    assert api.once(up.socket, api.request("HEAD /nothing HTTP/1.1"), "HEAD")[::2] == (404, b"")


def basic(text):
    return "Authorization: Basic " + base64.b64encode(text.encode()).decode()


def test_who_may_ask(served):
    """Several servers, each with its own password: none, plain, hashed."""
    served.start("[unix_http_server:plain]\nfile = {dir}/plain.sock\nusername = user\npassword = pa:ss%%wd\n"
                 "[unix_http_server:hashed]\nfile = {dir}/hashed.sock\nusername = user\npassword = {SHA}" +
                 hashlib.sha1(b"pa:ss%wd").hexdigest() + "\n[unix_http_server:utf8]\nfile = {dir}/utf8.sock\nusername = \u00fcser\n"
                 "password = {SHA}" + hashlib.sha1("p\u00e4ss".encode()).hexdigest() + "\n",
                 env={"PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"})
    assert api.once(served.socket, api.call("supervisor.getAPIVersion", "", basic("any:thing"))).status == 200
    for name in "plain", "hashed":
        where = served.dir / (name + ".sock")

        def ask(*headers):
            return api.once(where, api.call("supervisor.getAPIVersion", "", *headers))
        refused = ask()
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="default"')
        assert refused.headers["Connection"] == "close"
        assert ask(basic("user:pa:ss%wd")).status == 200
        assert ask(basic("user:pa:ss%wd").replace("Authorization: Basic", "AUTHORIZATION: BASIC")).status == 200
        for wrong in ("user:pa:ss%w", "user:pa:ss%wd ", "user:pa", "user:", ":", ":pa:ss%wd", "User:pa:ss%wd", "use:pa:ss%wd", "user:" + "x" * 5000,
                      "user:{SHA}" + hashlib.sha1(b"pa:ss%wd").hexdigest(), "user:" + hashlib.sha1(b"pa:ss%wd").hexdigest()):
            assert ask(basic(wrong)).status == 401, wrong
        for header in ("Authorization:", "Authorization: Bearer x", "Authorization: x"):
            assert ask(header).status == 401, header
        assert ask("Authorization: Basic a").status == 400
        assert ask("Authorization: Basic").status in (400, 401, 500)
        for path in "/", "/ok.html", "/nothing", "/mainlogtail", "/logtail/x", "/index.html?action=stopall":
            assert api.once(where, get(path)).status == 401, path
            assert api.once(where, get("/ok.html", basic("user:pa:ss%wd"))).status == 200
        # it is asked anew for each request of a connection
        with api.Wire(where) as wire:
            assert wire.send(api.call("supervisor.getAPIVersion", "", basic("user:pa:ss%wd"))).answer().status == 200
            assert wire.send(VERSION).answer().status == 401
    where = served.dir / "utf8.sock"
    assert api.once(where, api.call("supervisor.getAPIVersion", "", basic("\u00fcser:p\u00e4ss"))).status == 200
    assert served.stop() == 0


def inet_address():
    """An address of this machine, and of nobody's but this process."""
    return "127.%d.%d.%d" % (1 + (os.getpid() >> 16 & 63), os.getpid() >> 8 & 255, os.getpid() & 255)


def test_inet(served):
    address = inet_address()
    served.start("[inet_http_server]\nport = %s:9001\nusername = user\npassword = 123\n[inet_http_server:two]\nport = %s:9002\n"
                 % (address, address))
    assert api.once((address, 9001), VERSION).status == 401
    assert api.once((address, 9001), api.call("supervisor.getAPIVersion", "", basic("user:123"))).status == 200
    assert api.once((address, 9002), VERSION).status == 200
    assert api.once(served.socket, VERSION).status == 200
    served.wait_line("CRIT Server 'inet_http_server:two' running without any HTTP authentication checking")
    assert served.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        api.Wire((address, 9001))


LOCATION = r"http://([^/]+)/\?message=(.*)"


def action(where, query, *headers):
    """The message that an action of the web page leads to."""
    answer = api.once(where, get("/index.html?" + query, *headers))
    assert answer.status == 301, (query, answer)
    found = re.fullmatch(LOCATION, answer.headers["Location"])
    assert found and found[1] == "localhost", answer.headers["Location"]
    return urllib.parse.unquote(found[2])


CTIME = r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}"


def test_actions_of_the_page(up):
    """By the URLs that scripts know."""
    where = up.socket
    assert re.fullmatch("Page refreshed at " + CTIME, action(where, "action=refresh"))
    for query, message in [
            ("processname=nope&action=start", "No such process named nope"),
            ("processname=up:*&action=start", "No such process named up:*"),
            ("processname=up&action=start", "ERROR: Process up: already started"),
            ("processname=up&action=stop", "Process up stopped"),
            ("processname=up&action=stop", "unexpected rpc fault [70] NOT_RUNNING: up"),
            ("processname=up&action=start", "Process up started"),
            ("processname=up%3Aup&action=restart", "Process up:up restarted"),
            ("processname=down&action=restart", "Process down restarted"),
            ("processname=up&action=clearlog", "Log for up cleared"),
            ("processname=nofile&action=start", "ERROR: Process nofile: no such file"),
            ("processname=noexec&action=start", "ERROR: Process noexec: file not executable"),
            ("processname=bad&action=start", "ERROR: Process bad: spawn error")]:
        assert action(where, query) == message, query
    assert re.fullmatch("All stopped at " + CTIME, action(where, "action=stopall"))
    with up.client() as client:
        assert client.supervisor.getProcessInfo("up")["statename"] == "STOPPED"
    answer = api.once(where, api.request("POST /index.html HTTP/1.1", "processname=up&action=start",
                                         "Content-Type: application/x-www-form-urlencoded"))
    assert (answer.status, urllib.parse.unquote(answer.headers["Location"])) == (301, "http://localhost/?message=Process up started")
    for query in "action=nope", "action=start":
        assert api.once(where, get("/index.html?" + query)).status == 500


def test_the_page_and_tails_are_html(up):
    up_log = up.client().supervisor.getProcessInfo("up")["stdout_logfile"]
    up.client().supervisor.sendProcessStdin("up", "<b>one\n" * 1000)
    watching.wait_file(up_log, lambda content: len(content) == 7000)
    for path in "/", "/index.html", "/?message=%3Cscript%3E", "/tail.html?processname=up", "/tail.html?processname=up&limit=2048", \
            "/tail.html?processname=nope", "/tail.html?processname=%3Cscript%3E", "/tail.html?processname=up&limit=x", "/tail.html":
        answer = api.once(up.socket, get(path))
        assert (answer.status, answer.headers["Content-Type"].lower().replace(" ", "")) == (200, "text/html;charset=utf-8"), path
        assert b"<script>" not in answer.body.replace(b"<script>\n", b"") and b"<b>one" not in answer.body
    page = html.unescape(api.once(up.socket, get("/?message=some%20%3Cmessage%3E")).body.decode()).lower()
    for word in "some <message>", ">up<", "down", "running", "stopped", "not started":
        assert word in page, word
    for limit, count in (1024, 1024), (10, 1024), (2100, 2100):
        tail = html.unescape(api.once(up.socket, get("/tail.html?processname=up&limit=%d" % limit)).body.decode())
        assert count // 7 <= tail.count("<b>one") <= count // 7 + 1


class Tail:
    """A log as it grows, by HTTP."""

    def __init__(self, where, path, version="1.1"):
        self.wire = api.Wire(where)
        self.wire.send("GET %s HTTP/%s\r\nHost: localhost\r\n\r\n" % (path, version))
        self.line, self.headers = self.wire.head()
        self.chunked = self.headers.get("Transfer-Encoding") == "chunked"
        self.text = b""

    def until(self, end):
        while not self.text.endswith(end):
            if self.chunked:
                size = int(self.wire.file.readline(), 16)
                assert size, self.text
                self.text += self.wire.file.read(size)
                assert self.wire.file.readline() == b"\r\n"
            else:
                more = self.wire.file.read(1)
                assert more, self.text
                self.text += more
        return self.text


@pytest.mark.parametrize("path", ["/logtail/x", "/logtail/x/stdout", "/logtail/x%3Ax/stdout"])
def test_a_log_is_followed(served, path):
    """From 1024 bytes before its end on, over the end of one file and the beginning of the next."""
    served.start("[program:x]\ncommand = cat\nstartsecs = 0\nstdout_logfile = {dir}/x.log\n")
    served.wait_running("x")
    with served.client() as client:
        client.supervisor.sendProcessStdin("x", "old" * 1000 + "\n")
        watching.wait_file(served.dir / "x.log", lambda content: content.endswith(b"\n"))
        tail = Tail(served.socket, path)
        assert tail.line == "HTTP/1.1 200 OK"
        assert tail.headers["Content-Type"].lower() == "text/plain;charset=utf-8"
        assert len(tail.until(b"old\n")) == 1024
        client.supervisor.sendProcessStdin("x", "more \u00fc\n")
        assert tail.until("more \u00fc\n".encode()).endswith("old\nmore \u00fc\n".encode())
        client.supervisor.clearProcessLogs("x")
        client.supervisor.sendProcessStdin("x", "anew\n")
        assert tail.until(b"anew\n").count(b"old\n") == 1
        os.truncate(served.dir / "x.log", 0)
        if served.is_ours:  # the real one ends the connection: its word of it is no bytes
            tail.until(b"==> File truncated <==\n")
            client.supervisor.sendProcessStdin("x", "1\n")
            tail.until(b"1\n")
        tail.wire.close()
    assert served.stop() == 0


def test_the_supervisors_own_log_is_followed(served):
    served.start("[program:x]\ncommand = cat\nautostart = false\nstartsecs = 0\n")
    tails = [Tail(served.socket, "/mainlogtail") for _ in range(3)]
    for tail in tails:
        assert tail.line == "HTTP/1.1 200 OK"
    with served.client() as client:
        client.supervisor.startProcess("x")
        _, pid = served.wait_spawned("x")
        for tail in tails:
            while b"spawned: 'x' with pid %d\n" % pid not in tail.text:
                tail.until(b"\n")
                if b"spawned: 'x'" not in tail.text:
                    tail.text += b" "
            tail.wire.close()
    assert served.stop() == 0


def test_a_log_is_followed_for_old_clients(reeved_served):
    """D11: supervisord says nothing to HTTP/1.0."""
    reeved_served.start("[program:x]\ncommand = cat\nstartsecs = 0\nstdout_logfile = {dir}/x.log\n")
    reeved_served.wait_running("x")
    tail = Tail(reeved_served.socket, "/logtail/x", "1.0")
    with reeved_served.client() as client:
        client.supervisor.sendProcessStdin("x", "one\n")
        tail.until(b"one\n")
    tail.wire.close()
    assert reeved_served.stop() == 0


def test_where_supervisord_answers_500(reeved_served):
    """reeve has a status that says more, or does what was meant."""
    reeved_served.start("[unix_http_server:plain]\nfile = {dir}/plain.sock\nusername = user\npassword = x\n")
    where = reeved_served.dir / "plain.sock"
    assert api.once(where, api.call("supervisor.getAPIVersion", "", basic("user"))).status in (400, 401)
    assert api.once(where, api.call("supervisor.getAPIVersion", "", "Authorization: Basic !!!")).status in (400, 401)
    where = reeved_served.socket
    with api.Wire(where) as wire:
        assert wire.send(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n").answer().status == 400
    with api.Wire(where) as wire:  # and of an empty body nothing is ever said
        assert wire.send(post("")).answer().status == 400
    with api.Wire(where) as wire:  # 411
        wire.send(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(0, len(XML), 7):
            wire.send(b"%x\r\n%s\r\n" % (len(XML[i:i + 7]), XML[i:i + 7]))
        assert wire.send(b"0\r\n\r\n").answer().status == 200
        assert wire.send(VERSION).answer().status == 200
    assert reeved_served.stop() == 0
