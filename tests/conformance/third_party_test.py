"""Clients and listeners that others wrote, on the original first and then on reeved. They come from npm's registry, each of a fixed
version and checksum (tests/third_party/); where that cannot be had, these tests are skipped."""
import fcntl
import json
import os
import shutil
import subprocess

import pytest
import watching

from conftest import BUILD, ROOT
from http_test import inet_address

HERE = ROOT / "tests/third_party"


@pytest.fixture(scope="session")
def packages():
    """The directory where they are installed."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("there is no npm")
    there = BUILD / "third_party"
    there.mkdir(exist_ok=True)
    with open(there / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (HERE / "package-lock.json").read_bytes()
        if not (there / "package-lock.json").exists() or (there / "package-lock.json").read_bytes() != wanted \
                or not (there / "installed").exists():
            for name in "package.json", "package-lock.json", "client.js", "listener.js":
                shutil.copy(HERE / name, there)
            try:
                done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"], cwd=there, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=watching.LIMIT * 4)
            except subprocess.TimeoutExpired:
                pytest.skip("npm does not come to an end")
            if done.returncode:
                pytest.skip("npm: " + done.stdout.strip()[-200:])
            (there / "installed").touch()
        for name in "client.js", "listener.js":
            shutil.copy(HERE / name, there)
    return there


def results(packages, *arguments):
    done = subprocess.run(["node", packages / "client.js", *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, timeout=watching.LIMIT, check=True)
    return json.loads(done.stdout)


CALLS = ["getAPIVersion", "getState", "stopProcess,x", "stopProcess,x", "startProcess,x", "startProcess,nope", "getProcessInfo,x",
         "getAllProcessInfo", "listMethods", "nope"][:9]


def check(found, pid):
    version, state, stopped, again, started, unknown, info, every, methods = found
    assert version == "3.0"
    assert state == {"statecode": 1, "statename": "RUNNING"}
    assert (stopped, again, started, unknown) == (True, {"fault": 70}, True, {"fault": 10})
    assert (info["name"], info["statename"]) == ("x", "RUNNING") and info["pid"] not in (0, pid)
    assert [each["name"] for each in every] == ["down", "x"]
    assert "supervisor.startProcess" in methods


PROGRAMS = "[program:x]\ncommand = cat\nstartsecs = 0\n[program:down]\ncommand = cat\nautostart = false\nstartsecs = 0\n"


def test_node_supervisord(served, packages):
    """By TCP, with a password."""
    address = inet_address()
    served.start(PROGRAMS + "[inet_http_server]\nport = %s:9003\nusername = user\npassword = pass\n" % address)
    _, pid = served.wait_spawned("x")
    served.wait_running("x")
    check(results(packages, "node-supervisord", "http://%s:9003" % address, "user", "pass", *CALLS), pid)
    refused = results(packages, "node-supervisord", "http://%s:9003" % address, "user", "wrong", "getState")
    assert "Error" in refused[0]["fault"]  # it has no words for the status
    assert served.stop() == 0


def test_supervisord_of_npm(served, packages):
    """By the unix socket."""
    served.start(PROGRAMS)
    _, pid = served.wait_spawned("x")
    served.wait_running("x")
    check(results(packages, "supervisord", served.socket, *CALLS), pid)
    assert served.stop() == 0


def test_supervisord_eventlistener(served, packages, reports):
    served.start(PROGRAMS + "[eventlistener:ears]\ncommand = node %s %s\nevents = PROCESS_STATE\nenvironment = NODE_PATH=\"%s\"\n" % (
        packages / "listener.js", reports.path, packages / "node_modules"))
    served.wait_running("ears")
    served.wait_running("x")
    with served.client() as client:
        client.supervisor.startProcess("down")
        number, _ = reports.wait("^PROCESS_STATE_STARTING ears processname=down groupname=down from_state=STOPPED tries=0$")
        number, _ = reports.wait("^PROCESS_STATE_RUNNING ears processname=down groupname=down from_state=STARTING pid=[1-9]", number)
        client.supervisor.stopProcess("down")
        number, _ = reports.wait("^PROCESS_STATE_STOPPING ears processname=down groupname=down from_state=RUNNING pid=[1-9]", number)
        reports.wait("^PROCESS_STATE_STOPPED ears processname=down groupname=down from_state=STOPPING pid=[1-9]", number)
    assert served.stop() == 0
    assert not served.lines.matching("UNKNOWN|rejected|bad result")
