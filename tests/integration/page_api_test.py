"""The JSON API, held against the document that it serves; live events; metrics; health."""
import http.client
import json
import os
import pathlib
import signal
import socket

import pytest

import openapi
import prometheus
import watching

PROGRAMS = """
[program:web]
command = sh -c "echo up $$; echo oops >&2; exec sleep 1000"
process_name = %(program_name)s_%(process_num)02d
numprocs = 2
[program:lonely]
command = sleep 1000
autostart = false
stdout_logfile = NONE
[program:missing]
command = /no/such/file
autostart = false
[program:failing]
command = false
autostart = false
startretries = 0
startsecs = 60
"""
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140", "Host": "localhost"}


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=watching.LIMIT)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(watching.LIMIT)
        self.sock.connect(self.path)


class Api:
    """Each answer is held against the document."""

    def __init__(self, path):
        self.path, self.document, self.seen = path, None, set()
        self.document = openapi.Document(self.get("/api/v1/openapi.json")[1])

    def raw(self, method, address, body=None, headers=None):
        connection = Connection(self.path)
        try:
            connection.request(method, address, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def ask(self, method, address, body=None, headers=None):
        status, _, data = self.raw(method, address, None if body is None else json.dumps(body), headers)
        value = json.loads(data)
        if self.document:
            self.seen.add((method, self.document.check(method, address[len("/api/v1"):].split("?")[0], status, value)))
        return status, value

    def get(self, address, **more):
        return self.ask("GET", address, **more)

    def post(self, address, body=None, **more):
        return self.ask("POST", address, body, **more)

    def process(self, name):
        return self.get("/api/v1/processes/" + name)[1]


@pytest.fixture
def api(reeved_served):
    reeved_served.start(PROGRAMS)
    for name in ("web_00", "web_01"):
        reeved_served.wait_running(name)
    made = Api(reeved_served.dir / "supervisor.sock")
    made.reeved = reeved_served
    return made


def error(answer):
    return answer[0], answer[1]["error"]["name"]


def test_processes_are_told(api):
    status, value = api.get("/api/v1/processes")
    assert status == 200
    assert [(p["id"], p["state"]) for p in value["processes"]] == [
        ("failing", "STOPPED"), ("lonely", "STOPPED"), ("missing", "STOPPED"), ("web:web_00", "RUNNING"), ("web:web_01", "RUNNING")]
    one = api.process("web:web_00")
    assert one["group"] == "web" and one["pid"] > 0 and one["restarts"] == 0 and one["stdout_logfile"]
    assert api.process("lonely")["stdout_logfile"] == ""
    assert [g["name"] for g in api.get("/api/v1/groups")[1]["groups"]] == ["failing", "lonely", "missing", "web"]
    assert len(api.get("/api/v1/groups/web")[1]["processes"]) == 2
    assert api.get("/api/v1/supervisor")[1]["pid"] == api.reeved.pid
    assert {p["name"] for p in api.get("/api/v1/config")[1]["programs"]} >= {"web_00", "lonely", "missing"}
    history = api.get("/api/v1/history")[1]
    assert set(history["processes"]) == {"failing", "lonely", "missing", "web:web_00", "web:web_01"}
    assert api.get("/api/v1/events")[0] == 200


def test_processes_are_started_and_stopped(api):
    assert api.post("/api/v1/processes/lonely/start")[1]["status"] == "SUCCESS"
    assert api.process("lonely")["state"] == "RUNNING"
    assert error(api.post("/api/v1/processes/lonely/start")) == (409, "ALREADY_STARTED")
    pid = api.process("lonely")["pid"]
    assert api.post("/api/v1/processes/lonely/restart")[0] == 200
    assert api.process("lonely")["pid"] != pid
    assert api.post("/api/v1/processes/lonely/clear")[0] == 200
    assert api.post("/api/v1/processes/lonely/stop")[0] == 200
    assert error(api.post("/api/v1/processes/lonely/stop")) == (409, "NOT_RUNNING")
    assert error(api.post("/api/v1/processes/missing/start")) == (422, "NO_FILE")
    assert error(api.post("/api/v1/processes/nobody/start")) == (404, "BAD_NAME")
    assert error(api.get("/api/v1/processes/nobody")) == (404, "BAD_NAME")
    assert error(api.get("/api/v1/groups/nobody")) == (404, "BAD_NAME")


def test_several_and_groups(api):
    status, value = api.post("/api/v1/processes/stop", {"names": ["web:*", "lonely"]})
    assert status == 200
    assert [(r["id"], r["status"]) for r in value["results"]] == [
        ("lonely", "NOT_RUNNING"), ("web:web_00", "SUCCESS"), ("web:web_01", "SUCCESS")]
    value = api.post("/api/v1/groups/web/start", {"wait": False})[1]
    assert [r["status"] for r in value["results"]] == ["SUCCESS"] * 2
    value = api.post("/api/v1/processes/restart", {})[1]
    assert {r["id"]: r["status"] for r in value["results"]} == {
        "failing": "SPAWN_ERROR", "lonely": "SUCCESS", "missing": "NO_FILE", "web:web_00": "SUCCESS", "web:web_01": "SUCCESS"}
    assert api.post("/api/v1/processes/clear", {"names": []})[1] == {"results": []}
    assert error(api.post("/api/v1/processes/stop", {"names": ["web:*", "nobody"]})) == (404, "BAD_NAME")
    assert api.process("web:web_00")["state"] == "RUNNING"


def test_signals(api, reports):
    assert api.post("/api/v1/processes/web:web_00/signal", {"signal": "KILL"})[0] == 200
    api.reeved.wait_line(r"exited: web_00 \(terminated by SIGKILL")
    assert api.post("/api/v1/groups/web/signal", {"signal": 0})[1]["error"]["name"] == "BAD_SIGNAL"
    assert error(api.post("/api/v1/processes/web:web_01/signal", {"signal": "FOO"})) == (400, "BAD_SIGNAL")
    assert error(api.post("/api/v1/processes/web:web_01/signal", {})) == (400, "BAD_SIGNAL")
    assert api.post("/api/v1/processes/signal", {"names": ["web:web_01"], "signal": 28})[1]["results"][0]["status"] == "SUCCESS"


def test_logs_are_read_in_ranges(api):
    one = api.get("/api/v1/processes/web:web_00")[1]
    for stream in "stdout_logfile", "stderr_logfile":
        watching.wait_file(pathlib.Path(one[stream]), lambda content: content.endswith(b"\n"))
    log = api.get("/api/v1/processes/web:web_00/log/stdout")[1]
    assert log["data"].startswith("up ") and log["offset"] == 0 and log["next"] == log["size"] == len(log["data"])
    assert api.get("/api/v1/processes/web:web_00/log/stderr?offset=1&length=3")[1]["data"] == "ops"
    assert api.get("/api/v1/processes/web:web_00/log/stderr?offset=-2")[1]["data"] == "s\n"
    assert api.get("/api/v1/processes/web:web_00/log/stderr?offset=100")[1]["data"] == ""
    assert error(api.get("/api/v1/processes/web:web_00/log/stderr?length=-1")) == (400, "BAD_ARGUMENTS")
    assert error(api.get("/api/v1/processes/web:web_00/log/stderr?offset=x")) == (400, "BAD_ARGUMENTS")
    assert error(api.get("/api/v1/processes/lonely/log/stdout")) == (422, "NO_FILE")
    assert "entered RUNNING state" in api.get("/api/v1/supervisor/log")[1]["data"]
    assert api.post("/api/v1/supervisor/clear")[0] == 200


def test_what_cannot_be_meant_is_refused(api):
    for body in ("{", "[]", "1", '{"a": 1, "a": 2}', "\xff"):
        status, _, data = api.raw("POST", "/api/v1/processes/lonely/start", body.encode("latin-1"))
        assert (status, json.loads(data)["error"]["name"]) == (400, "BAD_JSON"), body
    assert error(api.post("/api/v1/processes/lonely/start", {"wait": 1})) == (400, "BAD_ARGUMENTS")
    assert error(api.post("/api/v1/processes/start", {"names": "lonely"})) == (400, "BAD_ARGUMENTS")
    assert error(api.post("/api/v1/processes/start", {"names": [1]})) == (404, "BAD_NAME")
    for address in ("/api/v1/", "/api/v1/nothing", "/api/v1/processes/a/b/c/d/e", "/api/v1/processes//", "/api/v1/../../etc/passwd"):
        assert api.raw("GET", address)[0] == 404, address
    assert api.raw("PUT", "/api/v1/processes")[0] == 405
    assert api.raw("POST", "/api/v1/processes/lonely/explode")[0] == 404


def test_a_browser_needs_the_page_s_token(api):
    def stop(**headers):
        return api.raw("POST", "/api/v1/processes/web:web_00/stop", "{}", dict(BROWSER, **headers))[0]

    page = api.raw("GET", "/", headers=BROWSER)
    token = page[2].split(b'name="reeve-token" content="')[1].split(b'"')[0].decode()
    assert stop() == 403
    assert stop(**{"X-Reeve-Token": "0" * len(token)}) == 403
    assert stop(**{"X-Reeve-Token": token, "Origin": "http://elsewhere"}) == 403
    assert api.process("web:web_00")["state"] == "RUNNING"
    assert stop(**{"X-Reeve-Token": token, "Origin": "http://localhost"}) == 200
    policy = page[1]["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_everything_described_is_there(api):
    """And what is there is described: Api holds each answer against the document."""
    described = {(method.upper(), path) for path, item in api.document.document["paths"].items() for method in item}
    for method, path in sorted(described, key=lambda one: (one[1].replace("remove", ""), one[0])):  # a group is removed, then added
        if path in ("/supervisor/restart", "/supervisor/shutdown"):
            continue
        address = "/api/v1" + path.replace("{id}", "lonely").replace("{group}", "lonely").replace("{verb}", "stop").replace("{stream}", "stderr")
        status, value = api.ask(method, address, {"signal": "CONT"} if method == "POST" else None)
        assert status in (200, 409, 422), "%s %s: %s" % (method, address, value)
    api.post("/api/v1/supervisor/shutdown")
    assert api.seen == described - {("POST", "/supervisor/restart")}
    assert api.reeved.wait() == 0


def test_update_brings_groups_up_to_date(api):
    conf = api.reeved.conf
    text = conf.read_text()
    assert api.post("/api/v1/supervisor/update")[1] == {"added": [], "changed": [], "removed": [], "errors": []}
    conf.write_text(text.replace("[program:missing]\ncommand = /no/such/file\nautostart = false\n", "[program:new]\ncommand = sleep 1000\n")
                    .replace("numprocs = 2", "numprocs = 1"))
    expected = {"added": ["new"], "changed": ["web"], "removed": ["missing"], "errors": []}
    assert api.post("/api/v1/supervisor/reread")[1] == expected
    assert api.post("/api/v1/supervisor/update")[1] == expected
    api.reeved.wait_running("new")
    assert [p["id"] for p in api.get("/api/v1/processes")[1]["processes"]] == ["failing", "lonely", "new", "web:web_00"]
    conf.write_text(text + "[program:bad]\n")
    assert error(api.post("/api/v1/supervisor/update")) == (422, "CANT_REREAD")


# ---- live events ----

class Stream:
    """Server-sent events, as they come."""

    def __init__(self, path):
        self.connection = Connection(path)
        self.connection.request("GET", "/events")
        self.answer = self.connection.getresponse()

    def next(self, *kinds):
        """(event, data) of the next one of these kinds."""
        while True:
            lines = []
            while line := self.answer.readline().rstrip(b"\n"):
                lines.append(line)
            assert lines, "the stream ended"
            fields = dict(line.split(b": ", 1) for line in lines)
            if not kinds or fields[b"event"].decode() in kinds:
                return fields[b"event"].decode(), json.loads(fields[b"data"])

    def close(self):
        self.connection.close()


def test_events_come_as_they_happen(api):
    stream = Stream(api.path)
    assert (stream.answer.status, stream.answer.headers["Content-Type"]) == (200, "text/event-stream")
    kind, hello = stream.next()
    assert kind == "hello" and len(hello["processes"]) == 5 and hello["supervisor"]["pid"] == api.reeved.pid
    api.post("/api/v1/processes/lonely/start")
    while stream.next("event")[1]["to"] != "RUNNING":
        pass
    _, usage = stream.next("usage")
    pid = api.process("web:web_00")["pid"]
    while not (usage.get("web:web_00") or [None, None])[1]:
        usage = stream.next("usage")[1]
    os.kill(pid, signal.SIGKILL)
    event = stream.next("event")[1]
    while event["id"] != "web:web_00" or event["to"] != "RUNNING":
        event = stream.next("event")[1]
    assert api.process("web:web_00")["restarts"] == 1
    stream.close()


def test_streams_are_bounded(api):
    streams = [Stream(api.path) for _ in range(32)]
    for stream in streams:
        assert stream.next()[0] == "hello"
    assert api.raw("GET", "/events")[0] == 503
    for stream in streams:
        stream.close()


# ---- metrics, health ----

def test_metrics_can_be_scraped(api):
    status, headers, data = api.raw("GET", "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = prometheus.parse(data)
    web = frozenset({"group": "web", "name": "web_00"}.items())
    lonely = frozenset({"group": "lonely", "name": "lonely"}.items())
    assert families["reeve_process_up"][web] == 1 and families["reeve_process_up"][lonely] == 0
    assert families["reeve_process_starts_total"][web] == 1
    assert families["reeve_process_resident_memory_bytes"][web] > 0
    assert lonely not in families["reeve_process_resident_memory_bytes"]
    assert families["reeve_process_state"][web | {("state", "RUNNING")}] == 1
    assert sum(families["reeve_process_state"].values()) == 5
    assert families["reeve_supervisor_running"][frozenset()] == 1


def test_health(api):
    assert api.raw("GET", "/healthz")[::2] == (200, b"ok\n")
    assert api.raw("GET", "/readyz")[::2] == (200, b"ready\n")
    assert api.raw("GET", "/ok.html")[::2] == (200, b"OK")
    api.post("/api/v1/processes/failing/start")
    api.reeved.wait_line(r"gave up: failing entered FATAL state")
    status, _, data = api.raw("GET", "/readyz")
    assert status == 503 and data == b"failing is FATAL\n"
    assert api.raw("GET", "/healthz")[0] == 200
