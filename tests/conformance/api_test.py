"""Every method of the API by Python's own xmlrpc.client: results, faults, the order of checks, waiting."""
import os
import re
import signal
import threading

import pytest
import watching

import api
from api import outcome

PROGRAMS = """
[program:up]
command = cat
startsecs = 0
[program:down]
command = sleep 1000
autostart = false
[program:bad]
command = /bin/false
autostart = false
startretries = 0
startsecs = 60
[program:nofile]
command = /nowhere/x
autostart = false
[program:noexec]
command = /etc/passwd
autostart = false
[program:a]
command = sleep 1000
autostart = false
startsecs = 0
[program:b]
command = sleep 1001
autostart = false
startsecs = 0
[group:g]
programs = b,a
"""

OK = {"status": 80, "description": "OK"}


def fault(number, text):
    return "fault", number, text


def result(name, group=None, status=80, description="OK"):
    return {"name": name, "group": group or name, "status": status, "description": description}


def check_all(client, table):
    """Rows of (method, arguments, what it comes to). All differences are told at once."""
    wrong = []
    for name, arguments, expected in table:
        found = outcome(getattr(client, name), *arguments)
        if found != expected:
            wrong.append("%s%r\n    is     %r\n    not    %r" % (name, arguments, found, expected))
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def client(served):
    """A supervisor with PROGRAMS, `up` running, and a client of it."""
    served.start(PROGRAMS, "-i", "ident")
    served.wait_running("up")
    with served.client() as client:
        client.served = served
        yield client
    assert served.stop() == 0


UNKNOWN = fault(1, "UNKNOWN_METHOD")
ARGUMENTS = fault(2, "INCORRECT_PARAMETERS")


def test_what_the_supervisor_says_of_itself(client, served):
    check_all(client, [
        ("supervisor.getAPIVersion", (), "3.0"),
        ("supervisor.getVersion", (), "3.0"),
        ("supervisor.getIdentification", (), "ident"),
        ("supervisor.getState", (), {"statecode": 1, "statename": "RUNNING"}),
        ("supervisor.getPID", (), served.pid),
        ("supervisor.getPID", (1,), ARGUMENTS),
        ("supervisor.getState", ("x", "y"), ARGUMENTS),
    ])
    assert re.fullmatch(r"4\.2\.\d+", client.supervisor.getSupervisorVersion())


def test_no_other_methods(client):
    check_all(client, [(name, (), UNKNOWN) for name in [
        "supervisor.nope", "supervisor._update", "supervisor.supervisord", "supervisor.__init__", "nope.getState", "nope", "system",
        "supervisor.getState.x", "system._listMethods", "supervisor.supervisord.options.logger.close", ".", "..", "supervisor.", ".getState",
        "Supervisor.getState", "supervisor.getstate", "supervisor.getState ", "supervisor.GetPID"]])


NAMES = """addProcessGroup clearAllProcessLogs clearLog clearProcessLog clearProcessLogs getAPIVersion getAllConfigInfo
    getAllProcessInfo getIdentification getPID getProcessInfo getState getSupervisorVersion getVersion readLog readMainLog readProcessLog
    readProcessStderrLog readProcessStdoutLog reloadConfig removeProcessGroup restart sendProcessStdin sendRemoteCommEvent shutdown
    signalAllProcesses signalProcess signalProcessGroup startAllProcesses startProcess startProcessGroup stopAllProcesses stopProcess
    stopProcessGroup tailProcessLog tailProcessStderrLog tailProcessStdoutLog""".split()
SIGNATURES = {
    "supervisor.addProcessGroup": "boolean string", "supervisor.clearAllProcessLogs": "array", "supervisor.clearLog": "boolean",
    "supervisor.clearProcessLog": "boolean string", "supervisor.clearProcessLogs": "boolean string", "supervisor.getAPIVersion": "string",
    "supervisor.getAllConfigInfo": "array", "supervisor.getAllProcessInfo": "array", "supervisor.getIdentification": "string",
    "supervisor.getPID": "int", "supervisor.getProcessInfo": "struct string", "supervisor.getState": "struct",
    "supervisor.getSupervisorVersion": "string", "supervisor.getVersion": "string", "supervisor.readLog": "string int int",
    "supervisor.readMainLog": "string int int", "supervisor.readProcessLog": "string string int int",
    "supervisor.readProcessStderrLog": "string string int int", "supervisor.readProcessStdoutLog": "string string int int",
    "supervisor.reloadConfig": "array", "supervisor.removeProcessGroup": "boolean string", "supervisor.restart": "boolean",
    "supervisor.sendProcessStdin": "boolean string string", "supervisor.sendRemoteCommEvent": "boolean string string",
    "supervisor.shutdown": "boolean", "supervisor.signalAllProcesses": "array string", "supervisor.signalProcess": "boolean string string",
    "supervisor.signalProcessGroup": "array string string", "supervisor.startAllProcesses": "array boolean",
    "supervisor.startProcess": "boolean string boolean", "supervisor.startProcessGroup": "array string boolean",
    "supervisor.stopAllProcesses": "array boolean", "supervisor.stopProcess": "boolean string boolean",
    "supervisor.stopProcessGroup": "array string boolean", "supervisor.tailProcessLog": "array string int int",
    "supervisor.tailProcessStderrLog": "array string int int", "supervisor.tailProcessStdoutLog": "array string int int",
    "system.listMethods": "array", "system.methodHelp": "string string", "system.methodSignature": "array string",
    "system.multicall": "array array"}


def test_methods_are_listed_with_signature_and_help(client):
    listed = client.system.listMethods()
    assert listed == sorted(SIGNATURES)
    assert [name for name in listed if name.startswith("supervisor.")] == ["supervisor." + name for name in sorted(NAMES)]
    check_all(client, [("system.methodSignature", (name,), signature.split()) for name, signature in SIGNATURES.items()] + [
        ("system.methodSignature", ("nope",), fault(4, "SIGNATURE_UNSUPPORTED")),
        ("system.methodHelp", ("nope",), fault(4, "SIGNATURE_UNSUPPORTED")),
        ("system.methodSignature", (), ARGUMENTS),
        ("system.methodHelp", (), ARGUMENTS),
        ("system.listMethods", (1,), ARGUMENTS),
    ])
    for name in listed:
        assert client.system.methodHelp(name).strip()


def test_names(client):
    """A process is NAME where its group has the same one, else GROUP:NAME; a group is GROUP: or GROUP:* where one can be meant."""
    info = client.supervisor.getProcessInfo
    assert info("up")["name"] == info("up:up")["name"] == "up"
    assert info("g:a")["group"] == "g"
    bad = ["nope", "up:*", "up:", ":up", "", ":", "g", "g:*", "a", "g:nope", "nope:a", "g:a:b", "up ", " up", "UP", "*", "up\n", "\u00fc"]
    check_all(client, [("supervisor.getProcessInfo", (name,), fault(10, "BAD_NAME: " + name)) for name in bad])
    check_all(client, [("supervisor." + name, ("nope",) + more, fault(10, "BAD_NAME: nope")) for name, more in [
        ("startProcess", ()), ("startProcessGroup", ()), ("stopProcess", ()), ("stopProcessGroup", ()), ("signalProcess", ("HUP",)),
        ("signalProcess", ("NOPE",)), ("signalProcessGroup", ("HUP",)), ("clearProcessLogs", ()), ("clearProcessLog", ()),
        ("readProcessLog", (0, 0)), ("readProcessStderrLog", (0, -1)), ("tailProcessLog", (0, 0)), ("tailProcessStderrLog", (-1, -1)),
        ("sendProcessStdin", ("x",)), ("addProcessGroup", ()), ("removeProcessGroup", ())]])
    check_all(client, [("supervisor." + name, ("up:*",) + more, fault(10, "BAD_NAME: up:*")) for name, more in [
        ("clearProcessLogs", ()), ("readProcessLog", (0, 0)), ("tailProcessLog", (0, 0)), ("sendProcessStdin", ("x",)),
        ("startProcessGroup", ()), ("removeProcessGroup", ())]])


def test_wrong_numbers_of_arguments(client):
    for name, signature in SIGNATURES.items():
        least = {"supervisor.startProcess": 1, "supervisor.stopProcess": 1, "supervisor.startProcessGroup": 1,
                 "supervisor.stopProcessGroup": 1, "supervisor.startAllProcesses": 0, "supervisor.stopAllProcesses": 0}
        most = len(signature.split()) - 1
        call = getattr(client, name)
        assert outcome(call, *["x"] * (most + 1)) == ARGUMENTS, name
        if least.get(name, most):
            assert outcome(call, *["x"] * (least.get(name, most) - 1)) == ARGUMENTS, name


def test_the_state_of_a_process_in_full(client, served):
    info = client.supervisor.getProcessInfo("up")
    assert info == {
        "name": "up", "group": "up", "state": 20, "statename": "RUNNING", "spawnerr": "", "exitstatus": 0, "stop": 0, "start": info["start"],
        "now": info["now"], "pid": served.wait_spawned("up")[1], "logfile": info["stdout_logfile"], "stdout_logfile": info["stdout_logfile"],
        "stderr_logfile": info["stderr_logfile"], "description": info["description"]}
    assert re.fullmatch(r"pid %d, uptime 0:00:\d\d" % info["pid"], info["description"])
    assert re.search(r"/up-stdout---ident-.{8}\.log$", info["stdout_logfile"])
    assert re.search(r"/up-stderr---ident-.{8}\.log$", info["stderr_logfile"])
    assert info["start"] <= info["now"]
    down = client.supervisor.getProcessInfo("down")
    assert {key: down[key] for key in ("start", "stop", "state", "statename", "spawnerr", "exitstatus", "pid", "description")} == {
        "start": 0, "stop": 0, "state": 0, "statename": "STOPPED", "spawnerr": "", "exitstatus": 0, "pid": 0, "description": "Not started"}
    every = client.supervisor.getAllProcessInfo()
    assert [(each["group"], each["name"]) for each in every] == [
        ("bad", "bad"), ("down", "down"), ("g", "a"), ("g", "b"), ("noexec", "noexec"), ("nofile", "nofile"), ("up", "up")]
    assert all(each.keys() == info.keys() for each in every)
    assert {type(value) for each in every for value in each.values()} == {int, str}


def test_a_stopped_process_tells_when(client, served):
    assert client.supervisor.stopProcess("up") is True
    info = client.supervisor.getProcessInfo("up")
    assert (info["state"], info["pid"], info["exitstatus"], info["spawnerr"]) == (0, 0, -1, "")
    assert re.fullmatch(r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", info["description"])
    assert info["start"] <= info["stop"] <= info["now"]


def test_start_checks_in_order(client):
    check_all(client, [
        ("supervisor.startProcess", ("nofile",), fault(20, "NO_FILE: can't find command '/nowhere/x'")),
        ("supervisor.startProcess", ("noexec",), fault(21, "NOT_EXECUTABLE: command at '/etc/passwd' is not executable")),
        ("supervisor.startProcess", ("up",), fault(60, "ALREADY_STARTED: up")),
        ("supervisor.startProcess", ("up:up", False), fault(60, "ALREADY_STARTED: up:up")),
        ("supervisor.startProcess", ("up", "yes"), fault(60, "ALREADY_STARTED: up")),
        ("supervisor.startProcess", ("bad",), fault(50, "SPAWN_ERROR: bad")),
        ("supervisor.startProcess", ("down", False), True),
        ("supervisor.startProcess", ("down", False), fault(60, "ALREADY_STARTED: down")),
        ("supervisor.stopProcess", ("nofile",), fault(70, "NOT_RUNNING: nofile")),
    ])
    assert client.supervisor.getProcessInfo("down")["pid"] > 0


def test_stop(client, served):
    check_all(client, [
        ("supervisor.stopProcess", ("down",), fault(70, "NOT_RUNNING: down")),
        ("supervisor.stopProcess", ("up",), True),
        ("supervisor.stopProcess", ("up",), fault(70, "NOT_RUNNING: up")),
        ("supervisor.stopProcess", ("up:up",), fault(70, "NOT_RUNNING: up:up")),
        ("supervisor.startProcess", ("up",), True),
        ("supervisor.stopProcess", ("up:*",), [result("up")]),
        ("supervisor.stopProcess", ("up:*",), []),
        ("supervisor.stopAllProcesses", (), []),
    ])


def test_groups_and_all(client):
    """Only those are listed for which there is something to do; those that fail stand among the others."""
    check_all(client, [
        ("supervisor.startProcess", ("up:*",), []),
        ("supervisor.startProcess", ("g:*", False), [result("b", "g"), result("a", "g")]),
        ("supervisor.startProcessGroup", ("g",), []),
        ("supervisor.stopProcess", ("g:",), [result("b", "g"), result("a", "g")]),
        ("supervisor.stopProcessGroup", ("g",), []),
        ("supervisor.startProcessGroup", ("g", False), [result("b", "g"), result("a", "g")]),
        ("supervisor.stopProcessGroup", ("g", False), [result("b", "g"), result("a", "g")]),
    ])
    for name in "g:a", "g:b":
        api.wait_info(client, name, lambda info: info["statename"] == "STOPPED")
    bad, *others = client.supervisor.startAllProcesses(False)
    assert bad["name"] == "bad" and bad["status"] in (80, 50)  # it may have ended when its start is answered
    assert others == [
        result("down"), result("b", "g"), result("a", "g"),
        result("noexec", status=21, description="NOT_EXECUTABLE: command at '/etc/passwd' is not executable"),
        result("nofile", status=20, description="NO_FILE: can't find command '/nowhere/x'")]


def test_signals(client, served):
    _, pid = served.wait_spawned("up")
    up = result("up")
    bad = result("up", status=11, description="BAD_SIGNAL: NOPE")
    check_all(client, [("supervisor.signalProcess", ("up", name), True) for name in ("WINCH", "SIGWINCH", "sigwinch", "28", 28, "CONT", "0")] + [
        ("supervisor.signalProcess", ("up", "NOPE"), fault(11, "BAD_SIGNAL: NOPE")),
        ("supervisor.signalProcess", ("up", "999"), fault(11, "BAD_SIGNAL: 999")),
        ("supervisor.signalProcess", ("up", ""), fault(11, "BAD_SIGNAL: ")),
        ("supervisor.signalProcess", ("up", "-1"), fault(11, "BAD_SIGNAL: -1")),
        ("supervisor.signalProcess", ("down", "NOPE"), fault(11, "BAD_SIGNAL: NOPE")),
        ("supervisor.signalProcess", ("down", "HUP"), fault(70, "NOT_RUNNING: down")),
        ("supervisor.signalProcess", ("down", "0"), fault(70, "NOT_RUNNING: down")),
        ("supervisor.signalProcess", ("g:*", "HUP"), []),
        ("supervisor.signalProcess", ("up:*", "WINCH"), [up]),
        ("supervisor.signalProcess", ("up:*", "NOPE"), [bad]),
        ("supervisor.signalProcessGroup", ("up", "CONT"), [up]),
        ("supervisor.signalProcessGroup", ("up", "NOPE"), [bad]),
        ("supervisor.signalProcessGroup", ("g", "HUP"), []),
        ("supervisor.signalAllProcesses", ("CONT",), [up]),
        ("supervisor.signalAllProcesses", ("NOPE",), [bad]),
        ("supervisor.signalProcess", ("up", "KILL"), True),
    ])
    watching.wait_end(pid)


def test_standard_input(client, served):
    text = "one\u00fc\u20ac\U0001f600\n"
    check_all(client, [
        ("supervisor.sendProcessStdin", ("nope", 1), fault(2, "INCORRECT_PARAMETERS: 1")),
        ("supervisor.sendProcessStdin", ("up", 1), fault(2, "INCORRECT_PARAMETERS: 1")),
        ("supervisor.sendProcessStdin", ("down", "x"), fault(70, "NOT_RUNNING: down")),
        ("supervisor.sendProcessStdin", ("up", text), True),
        ("supervisor.sendProcessStdin", ("up", ""), True),
        ("supervisor.sendProcessStdin", ("up", "two\n" * 1000), True),
    ])
    log = client.supervisor.getProcessInfo("up")["stdout_logfile"]
    watching.wait_file(log, lambda content: content == text.encode() + b"two\n" * 1000)


def test_standard_input_that_is_closed(served, reports):
    served.start("[program:deaf]\ncommand = /bin/sh -c 'exec <&-; echo closed > {dir}/reports; exec sleep 1000'\nstartsecs = 0\n")
    reports.wait("closed")
    with served.client() as client:
        # of the real one the first write can be one into a buffer
        for _ in range(2):
            found = outcome(client.supervisor.sendProcessStdin, "deaf", "x\n")
        assert found == fault(20, "NO_FILE: deaf")
    assert served.stop() == 0


def test_remote_events(client):
    check_all(client, [
        ("supervisor.sendRemoteCommEvent", ("a", "b"), True),
        ("supervisor.sendRemoteCommEvent", ("", ""), True),
        ("supervisor.sendRemoteCommEvent", ("\u00fc", "x\ny" * 1000), True),
    ])


def test_starting_waits_until_it_runs(served):
    """Or until it does not. What comes of it without waiting is seen later."""
    served.start("[program:x]\ncommand = sleep 1000\nautostart = false\nstartsecs = 1\n"
                 "[program:early]\ncommand = /bin/sh -c 'read x; exit 0'\nautostart = false\nstartsecs = 60\nstartretries = 0\n"
                 "[program:killed]\ncommand = sleep 1000\nautostart = false\nstartsecs = 60\n"
                 "startretries = 0\n")
    with served.client() as client:
        assert client.supervisor.startProcess("x", True) is True
        assert client.supervisor.getProcessInfo("x")["statename"] == "RUNNING"
        assert client.supervisor.startProcess("early", False) is True
        assert client.supervisor.getProcessInfo("early")["statename"] == "STARTING"
        assert client.supervisor.getProcessInfo("early")["description"] == ""
        client.supervisor.sendProcessStdin("early", "\n")
        served.wait_line("gave up: early entered FATAL state")
        info = api.wait_info(client, "early", lambda info: info["statename"] == "FATAL")
        assert info["spawnerr"] == info["description"] == "Exited too quickly (process log may have details)"
        assert info["exitstatus"] == 0 and info["pid"] == 0
    found = []

    def wait():
        with served.client() as client:
            found.append(outcome(client.supervisor.startProcess, "killed"))
    for end in "stop", "kill":
        before = served.seen
        thread = threading.Thread(target=wait)
        thread.start()
        _, pid = served.wait_spawned("killed", after=before)
        with served.client() as client:  # answered while the other one waits
            if end == "stop":
                assert client.supervisor.stopProcess("killed") is True
            else:
                os.kill(pid, signal.SIGKILL)
        thread.join(watching.LIMIT)
        assert not thread.is_alive()
    assert found == [fault(40, "ABNORMAL_TERMINATION: killed"), fault(50, "SPAWN_ERROR: killed")]
    assert served.stop() == 0


def test_who_waits_for_a_start_is_in_nobodys_way(served):
    """Many of them, on connections of their own, and on one that is gone before the answer."""
    served.start("".join("[program:x%d]\ncommand = sleep 1000\nautostart = false\nstartsecs = 2\n" % i for i in range(8)))
    found = {}

    def wait(name):
        with served.client() as client:
            found[name] = outcome(client.supervisor.startProcess, name)
    threads = [threading.Thread(target=wait, args=["x%d" % i]) for i in range(7)]
    for thread in threads:
        thread.start()
    gone = api.Wire(served.socket)
    gone.send(api.call("supervisor.startProcess", "<param><value>x7</value></param>"))
    for i in range(8):
        served.wait_line("spawned: 'x%d'" % i)
    gone.close()
    with served.client() as client:
        states = {info["statename"] for info in client.supervisor.getAllProcessInfo()}
        assert states <= {"STARTING", "RUNNING"}
    for thread in threads:
        thread.join(watching.LIMIT)
    assert found == {"x%d" % i: True for i in range(7)}
    served.wait_running("x7")
    assert served.stop() == 0


def test_multicall(client, served):
    """Results are not wrapped into arrays, as they are elsewhere; a fault is a struct among them. Those that wait are waited for, in
    their order."""
    calls = [{"methodName": "supervisor.getPID"}, {"methodName": "nope", "params": []}, {"params": []},
             {"methodName": "system.multicall", "params": [[]]}, {"methodName": "supervisor.getPID", "params": [1]},
             {"methodName": "supervisor.stopProcess", "params": ["up"]}, {"methodName": "supervisor.getProcessInfo", "params": ["up"]},
             {"methodName": "supervisor.startProcess", "params": ["up"]}, {"methodName": "supervisor.startProcess", "params": ["up"]},
             {"methodName": "supervisor.stopProcessGroup", "params": ["up"]}, {"methodName": "supervisor.getAPIVersion", "params": []}]
    found = client.system.multicall(calls)
    assert found.pop(6)["statename"] == "STOPPED"
    assert found == [
        served.pid, {"faultCode": 1, "faultString": "UNKNOWN_METHOD"}, {"faultCode": 2, "faultString": "INCORRECT_PARAMETERS: No methodName"},
        {"faultCode": 2, "faultString": "INCORRECT_PARAMETERS: Recursive system.multicall forbidden"},
        {"faultCode": 2, "faultString": "INCORRECT_PARAMETERS"}, True, True, {"faultCode": 60, "faultString": "ALREADY_STARTED: up"},
        [result("up")], "3.0"]
    check_all(client, [
        ("system.multicall", ([],), []),
        ("system.multicall", (), ARGUMENTS),
        ("system.multicall", (1,), ARGUMENTS),
        ("system.multicall", ({},), ARGUMENTS),
    ])


def test_all_programs_as_configured(served):
    served.start("[program:plain]\ncommand = sleep 1000\nautostart = false\n"
                 "[program:full]\ncommand = /bin/sh -c 'exit 3'\nautostart = false\nprocess_name = z%(process_num)02d\nnumprocs = 2\n"
                 "directory = /tmp\nuser = root\nexitcodes = 0,2\nkillasgroup = true\npriority = 5\nredirect_stderr = true\nstartretries = 7\n"
                 "startsecs = 9\nstdout_capture_maxbytes = 1KB\nstdout_events_enabled = true\nstdout_logfile = {dir}/full.log\n"
                 "stdout_logfile_backups = 2\nstdout_logfile_maxbytes = 3MB\nstdout_syslog = true\nstopsignal = INT\nstopwaitsecs = 4\n"
                 "serverurl = http://localhost:1\n"
                 "[group:gg]\nprograms = full\npriority = 77\n")
    with served.client() as client:
        found = client.supervisor.getAllConfigInfo()
    for each in found:
        each.pop("autorestart", None)  # later versions of supervisor have it, and reeved
        for stream in "stdout", "stderr":  # the real one says `auto` only of what was read again
            each[stream + "_logfile"] = re.sub(r".*/plain-%s---supervisor-.{8}\.log" % stream, "auto", each[stream + "_logfile"])
    plain = {"autostart": False, "command": "sleep 1000", "directory": "none", "exitcodes": [0], "group": "plain", "group_prio": 999,
             "inuse": True, "killasgroup": False, "name": "plain", "process_prio": 999, "redirect_stderr": False, "serverurl": "none",
             "startretries": 3, "startsecs": 1, "stopsignal": 15, "stopwaitsecs": 10, "uid": "none"}
    for stream in "stdout", "stderr":
        plain.update({stream + "_capture_maxbytes": 0, stream + "_events_enabled": False, stream + "_logfile": "auto",
                      stream + "_logfile_backups": 10, stream + "_logfile_maxbytes": 50 << 20, stream + "_syslog": False})
    full = dict(plain, command="/bin/sh -c 'exit 3'", directory="/tmp", exitcodes=[0, 2], group="gg", group_prio=77, killasgroup=True,
                process_prio=5, redirect_stderr=True, startretries=7, startsecs=9, stdout_capture_maxbytes=1024, stdout_events_enabled=True,
                stdout_logfile=str(served.dir / "full.log"), stdout_logfile_backups=2, stdout_logfile_maxbytes=3 << 20, stdout_syslog=True,
                stopsignal=2, stopwaitsecs=4, serverurl="http://localhost:1", uid=0, stderr_logfile="none")
    assert found == [plain, dict(full, name="z00"), dict(full, name="z01")]
    assert served.stop() == 0


def test_stdin_events_and_group_of_a_name_of_many_bytes(served):
    """Names are text: also what is no ASCII, everywhere."""
    served.start("[program:w\u00e9b\u20ac]\ncommand = cat\nstartsecs = 0\n", env={"PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"})
    served.wait_running("w\u00e9b\u20ac")
    with served.client() as client:
        info = client.supervisor.getProcessInfo("w\u00e9b\u20ac")
        assert (info["name"], info["group"], info["statename"]) == ("w\u00e9b\u20ac", "w\u00e9b\u20ac", "RUNNING")
        assert client.supervisor.stopProcess("w\u00e9b\u20ac") is True
        assert outcome(client.supervisor.stopProcess, "w\u00e9b\u20ac") == fault(70, "NOT_RUNNING: w\u00e9b\u20ac")
    served.wait_line("stopped: w\u00e9b\u20ac")
    assert served.stop() == 0


def test_while_all_ends_nearly_nothing_is_answered(served, reports):
    served.start("[program:deaf]\ncommand = /bin/sh -c 'trap \"\" TERM; echo up $$ > {dir}/reports; exec sleep 1000'\nstartsecs = 0\n"
                 "stopwaitsecs = 1000\n")
    pid = int(reports.wait(r"up (\d+)")[1][1])
    with served.client() as client:
        assert client.supervisor.shutdown() is True
        served.wait_line("waiting for deaf to die")
        check_all(client, [("supervisor." + name, arguments, fault(6, "SHUTDOWN_STATE")) for name, arguments in [
            ("getState", ()), ("getPID", ()), ("getAllProcessInfo", ()), ("getProcessInfo", ("deaf",)), ("getProcessInfo", ("nope",)),
            ("startProcess", ("nope",)), ("stopAllProcesses", ()), ("reloadConfig", ()), ("shutdown", ()), ("restart", ()), ("clearLog", ())]])
        assert client.supervisor.sendRemoteCommEvent("a", "b") is True
        assert "supervisor.shutdown" in client.system.listMethods()
        assert outcome(client.supervisor.getPID, 1) == ARGUMENTS
    os.kill(pid, signal.SIGKILL)
    assert served.wait() == 0


def test_shutdown_by_a_client(served):
    served.start("[program:x]\ncommand = sleep 1000\nstartsecs = 0\n")
    _, pid = served.wait_spawned("x")
    with served.client() as client:
        assert client.supervisor.shutdown() is True
    assert served.wait() == 0
    watching.wait_end(pid)
    served.wait_line(r"stopped: x \(terminated by SIGTERM\)")
    assert not served.socket.exists()


def test_restart_by_a_client(served):
    served.start("[program:x]\ncommand = sleep 1000\nstartsecs = 0\n")
    first, pid = served.wait_spawned("x")
    with served.client() as client:
        assert client.supervisor.restart() is True
    stopped, _ = served.wait_line("stopped: x", after=first)
    served.wait_line("supervisord started with pid %d" % served.pid, after=stopped)
    served.wait_spawned("x", after=stopped)
    with served.client() as client:
        assert client.supervisor.getPID() == served.pid
        assert client.supervisor.getProcessInfo("x")["pid"] != pid
    assert served.stop() == 0


