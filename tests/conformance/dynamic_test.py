"""Configurations that change while all runs: what the real supervisorctl and the API make of reread, update, add, remove, avail."""
import re
import subprocess

import pytest
import watching

import api
from api import outcome

CTL = "/usr/bin/supervisorctl"


def program(name, more=""):
    return "[program:%s]\ncommand = sleep 1000\nstartsecs = 0\n%s\n" % (name, more)


class Changing:
    """A supervisor whose configuration is written anew."""

    def __init__(self, served):
        self.served, self.head = served, None

    def start(self, text):
        self.served.start(text)
        self.head = self.served.conf.read_text()[:-len(text)]
        return self

    def write(self, text):
        self.served.conf.write_text(self.head + text)

    def ctl(self, *words):
        """(exit status, output) of the real supervisorctl."""
        conf = self.served.dir / "ctl.conf"  # the supervisor's own may be unreadable
        conf.write_text("[supervisorctl]\nserverurl = unix://%s\n" % self.served.socket)
        done = subprocess.run([CTL, "-c", str(conf), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=watching.LIMIT)
        return done.returncode, done.stdout.replace(str(self.served.dir), "DIR")


@pytest.fixture
def changing(served):
    yield Changing(served)
    if served.process.poll() is None:
        assert served.stop() == 0


def states(client):
    return {info["group"] + ":" + info["name"]: info["statename"] for info in client.supervisor.getAllProcessInfo()}


def test_reread_tells_and_changes_nothing(changing):
    changing.start(program("gone") + program("stays") + program("changes"))
    with changing.served.client() as client:
        assert client.supervisor.reloadConfig() == [[[], [], []]]
        changing.write(program("stays") + program("changes", "priority = 5") + program("new"))
        for _ in range(2):
            assert client.supervisor.reloadConfig() == [[["new"], ["changes"], ["gone"]]]
        assert sorted(states(client)) == ["changes:changes", "gone:gone", "stays:stays"]
        assert [(each["name"], each["inuse"]) for each in client.supervisor.getAllConfigInfo()] == [
            ("changes", True), ("new", False), ("stays", True)]
    assert changing.ctl("reread") == (0, "changes: changed\ngone: disappeared\nnew: available\n")
    assert re.fullmatch(r"changes +in use +auto +5:5\nnew +avail +auto +999:999\nstays +in use +auto +999:999\n",
                        changing.ctl("avail")[1])


def test_update_does_it(changing):
    changing.start(program("gone") + program("stays") + program("changes"))
    _, pid = changing.served.wait_spawned("stays")
    for name in "gone", "stays", "changes":
        changing.served.wait_running(name)
    changing.write(program("stays") + program("changes", "priority = 5") + program("new"))
    assert changing.ctl("update") == (0, "gone: stopped\ngone: removed process group\nchanges: stopped\nchanges: updated process group\n"
                                         "new: added process group\n")
    changing.served.wait_running("new")
    with changing.served.client() as client:
        assert sorted(states(client)) == ["changes:changes", "new:new", "stays:stays"]
        assert client.supervisor.getProcessInfo("stays")["pid"] == pid
        assert outcome(client.supervisor.getProcessInfo, "gone") == ("fault", 10, "BAD_NAME: gone")
        assert client.supervisor.reloadConfig() == [[[], [], []]]
    assert changing.ctl("update") == (0, "")


def test_update_of_some(changing):
    changing.start(program("a"))
    changing.write(program("a") + program("b") + program("c"))
    assert changing.ctl("update", "b", "nope") == (1, "ERROR: no such group: nope\nb: added process group\n")
    with changing.served.client() as client:
        assert sorted(states(client)) == ["a:a", "b:b"]


def test_groups_are_added_and_removed_by_name(changing):
    changing.start(program("a"))
    changing.served.wait_running("a")
    changing.write(program("a") + program("b", "autostart = false") + "[group:g]\nprograms = b\n")
    with changing.served.client() as client:
        supervisor = client.supervisor
        assert outcome(supervisor.addProcessGroup, "g") == ("fault", 10, "BAD_NAME: g")  # before it was read
        assert supervisor.reloadConfig() == [[["g"], [], []]]
        assert supervisor.addProcessGroup("g") is True
        assert outcome(supervisor.addProcessGroup, "g") == ("fault", 90, "ALREADY_ADDED: g")
        assert states(client)["g:b"] == "STOPPED"
        assert supervisor.startProcess("g:b") is True
        assert outcome(supervisor.removeProcessGroup, "g") == ("fault", 91, "STILL_RUNNING: g")
        assert supervisor.stopProcessGroup("g")[0]["status"] == 80
        assert supervisor.removeProcessGroup("g") is True
        assert outcome(supervisor.removeProcessGroup, "g") == ("fault", 10, "BAD_NAME: g")
        assert sorted(states(client)) == ["a:a"]
        for _ in range(20):
            assert supervisor.addProcessGroup("g") is True
            assert supervisor.removeProcessGroup("g") is True
    assert changing.ctl("add", "g", "nope") == (1, "g: added process group\nERROR: no such process/group: nope\n")
    assert changing.ctl("add", "g") == (0, "ERROR: process group already active\n")
    assert changing.ctl("remove", "a") == (1, "ERROR: process/group still running: a\n")
    assert changing.ctl("remove", "g") == (0, "g: removed process group\n")


@pytest.mark.parametrize("bad", ["[program:y]\n", "nonsense\n", "[program:y]\ncommand = cat\nnumprocs = x\n", "[group:g]\nprograms = nope\n"])
def test_what_cannot_be_read_is_told(changing, bad):
    changing.start(program("x"))
    changing.served.wait_running("x")
    changing.write(program("x") + bad)
    with changing.served.client() as client:
        found = outcome(client.supervisor.reloadConfig)
        assert found[:2] == ("fault", 92) and found[2].startswith("CANT_REREAD: "), found
        assert states(client) == {"x:x": "RUNNING"}
    status, said = changing.ctl("reread")
    assert status == 1 and said.startswith("ERROR: CANT_REREAD: "), said
    changing.write(program("x"))
    assert changing.ctl("reread") == (0, "No config updates to processes\n")


def test_numbers_of_processes_and_listeners_and_sockets(changing):
    many = "process_name = p%(process_num)d\nnumprocs = "
    listener = "[eventlistener:l]\ncommand = cat\nevents = TICK_3600\n"
    fcgi = "[fcgi-program:f]\ncommand = sleep 1000\nstartsecs = 0\nsocket = unix://{dir}/f.sock\n".replace("{dir}", str(changing.served.dir))
    changing.start(program("x", many + "2"))
    changing.served.wait_running("p1")
    changing.write(program("x", many + "3") + listener + fcgi)
    assert changing.ctl("update") == (0, "x: stopped\nx: updated process group\nl: added process group\nf: added process group\n")
    changing.served.wait_running("p2")
    changing.served.wait_running("f")
    with changing.served.client() as client:
        assert sorted(states(client)) == ["f:f", "l:l", "x:p0", "x:p1", "x:p2"]
    changing.write(program("x", many + "1"))
    status, said = changing.ctl("update")
    assert status == 0 and sorted(said.splitlines()) == sorted([
        "f: stopped", "f: removed process group", "l: stopped", "l: removed process group", "x: stopped", "x: updated process group"])
    with changing.served.client() as client:
        api.wait_info(client, "x:p0", lambda info: info["statename"] == "RUNNING")
        assert sorted(states(client)) == ["x:p0"]


def test_a_program_that_ignores_its_end_holds_up_nobody_else(changing, reports):
    """While update waits for it, others are answered."""
    deaf = program("deaf", "stopwaitsecs = 2").replace("sleep 1000", "/bin/sh -c 'trap \"\" TERM; echo up > %s; exec sleep 1000'" % reports.path)
    changing.start(deaf + program("x"))
    reports.wait("up")
    changing.write(program("x") + program("new"))
    updating = subprocess.Popen([CTL, "-c", str(changing.served.conf), "update"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    with changing.served.client() as client:
        api.wait_info(client, "deaf", lambda info: info["statename"] == "STOPPING")
        assert client.supervisor.getState()["statename"] == "RUNNING"
    said, _ = updating.communicate(timeout=watching.LIMIT)
    assert (updating.returncode, said) == (0, "deaf: stopped\ndeaf: removed process group\nnew: added process group\n")
