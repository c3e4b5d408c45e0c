"""SIGHUP, and signals that come while all ends."""
import os
import signal
import time

import watching


def sleeper(name):
    return "[program:%s]\ncommand = sleep 1000\nstartsecs = 0\n" % name


def test_hup_reads_the_configuration_anew(supervisor):
    """All stops, the daemon stays: what was taken out is gone, what is new runs, what changed is as it is now."""
    supervisor.start(sleeper("gone") + sleeper("stays") + "[program:changes]\ncommand = /bin/sh -c 'echo one >> {dir}/x; exec sleep 1000'\n"
                     "startsecs = 0\n")
    pids = {name: supervisor.wait_spawned(name)[1] for name in ("gone", "stays", "changes")}
    watching.wait_file(supervisor.dir / "x", lambda content: content == b"one\n")
    text = supervisor.conf.read_text().replace("program:gone", "program:new").replace("echo one", "echo two")
    supervisor.conf.write_text(text.replace("nodaemon = true\n", "nodaemon = true\nloglevel = debug\n"))
    before = supervisor.seen
    supervisor.send(signal.SIGHUP)
    asked, _ = supervisor.wait_line(r"WARN received SIGHUP indicating restart request$")
    again, _ = supervisor.wait_line(r"INFO supervisord started with pid %d$" % supervisor.pid, after=asked)
    for name, pid in pids.items():
        watching.wait_end(pid)
        assert asked < supervisor.wait_line(r"stopped: %s \(terminated by SIGTERM\)" % name, after=before)[0] < again
    for name in "new", "stays", "changes":
        assert supervisor.wait_spawned(name, after=again)[1] not in pids.values()
    watching.wait_file(supervisor.dir / "x", lambda content: content == b"one\ntwo\n")
    assert supervisor.stop() == 0
    assert not [line for line in supervisor.lines.lines[again:] if "'gone'" in line]
    assert supervisor.lines.matching(r"DEBG killing new \(pid")  # the new level holds


def test_hup_twice(reeved):
    reeved.start(sleeper("x"))
    number = 0
    for _ in range(2):
        number, _ = reeved.wait_spawned("x", after=number + 1 if number else 0)
        reeved.send(signal.SIGHUP)
        number, _ = reeved.wait_line("supervisord started with pid %d" % reeved.pid, after=number)
    reeved.wait_spawned("x", after=number)
    assert reeved.stop() == 0
    assert (reeved.dir / "supervisord.pid").exists() is False


def test_a_configuration_that_cannot_be_read_is_told_and_all_goes_on(reeved):
    """D3: supervisord stops all and is gone."""
    reeved.start(sleeper("x"))
    _, pid = reeved.wait_spawned("x")
    reeved.wait_running("x")
    good = reeved.conf.read_text()
    for bad, reason in [(good + "[program:y]\n", "does not specify a command"), ("nonsense", "supervisord.conf"),
                        (good.replace("[supervisord]", "[supervisord]\nloglevel = loud"), "loud"), (None, "supervisord.conf")]:
        before = reeved.seen
        if bad is None:
            reeved.conf.unlink()
        else:
            reeved.conf.write_text(bad)
        reeved.send(signal.SIGHUP)
        reeved.wait_line("ERRO .*%s" % reason, after=before)
        reeved.wait_line("ERRO .*goes on with the old one", after=before)
        os.kill(pid, 0)
    reeved.conf.write_text(good)
    assert reeved.status() == {"x": "RUNNING"}
    assert not reeved.lines.matching("stopped: x")
    reeved.send(signal.SIGHUP)
    reeved.wait_line("supervisord started", after=reeved.wait_line("stopped: x")[0])
    assert reeved.stop() == 0


def test_hup_gives_auto_logs_new_names(supervisor):
    supervisor.start(sleeper("x") + "stdout_logfile = AUTO\nstderr_logfile = NONE\n")
    first, _ = supervisor.wait_spawned("x")

    def names():
        return {path.name for path in supervisor.dir.glob("x-stdout*")}
    watching.wait_file(supervisor.log, lambda _: len(names()) == 1)
    old = names()
    supervisor.send(signal.SIGHUP)
    supervisor.wait_spawned("x", after=first + 1)
    watching.wait_file(supervisor.log, lambda _: len(names()) == 1 and not names() & old)
    assert supervisor.stop() == 0


DEAF = ("[program:deaf]\ncommand = /bin/sh -c 'trap \"\" TERM; echo up $$ > {dir}/reports; exec sleep 1000'\nstartsecs = 0\n"
        "stopwaitsecs = 1000\n")


def wait_deaf(reports):
    """Its pid; it ends when the test kills it."""
    return int(reports.wait(r"up (\d+)")[1][1])


def test_signals_while_all_ends(supervisor, reports):
    """A second request to end is told, and changes nothing; one to begin anew is told to be ignored."""
    supervisor.start(DEAF)
    pid = wait_deaf(reports)
    supervisor.send(signal.SIGTERM)
    first, _ = supervisor.wait_line("received SIGTERM indicating exit request")
    supervisor.send(signal.SIGHUP)
    supervisor.wait_line(r"WARN ignored SIGHUP indicating restart request \(shutdown in progress\)$")
    supervisor.send(signal.SIGINT)
    supervisor.wait_line("received SIGINT indicating exit request")
    supervisor.send(signal.SIGUSR2)
    supervisor.wait_line("received SIGUSR2 indicating log reopen request")
    os.kill(pid, signal.SIGKILL)
    assert supervisor.wait() == 0
    assert len(supervisor.lines.matching("stopped: deaf")) == 1


def test_an_end_that_is_asked_for_during_a_reload_wins(supervisor, reports):
    supervisor.start(DEAF)
    pid = wait_deaf(reports)
    supervisor.send(signal.SIGHUP)
    supervisor.wait_line("received SIGHUP indicating restart request")
    supervisor.send(signal.SIGQUIT)
    supervisor.wait_line("received SIGQUIT indicating exit request")
    os.kill(pid, signal.SIGKILL)
    assert supervisor.wait() == 0
    assert len(supervisor.lines.matching("supervisord started")) == 1


def test_whom_it_waits_for_is_told_every_three_seconds(supervisor, reports):
    supervisor.start(DEAF)
    pid = wait_deaf(reports)
    begun = time.time()  # whoever is held up makes it later only
    supervisor.send(signal.SIGTERM)
    first, _ = supervisor.wait_line("INFO waiting for deaf to die$")
    second, _ = supervisor.wait_line("INFO waiting for deaf to die$", after=first + 1)
    assert supervisor.time_of(second) - begun > 2.9
    os.kill(pid, signal.SIGKILL)
    assert supervisor.wait() == 0


def test_other_signals_are_nobodys_business(supervisor):
    """USR2, TERM, INT, QUIT and HUP are; what is ignored by all is, by both."""
    supervisor.start(sleeper("x"))
    supervisor.wait_running("x")
    for number in signal.SIGWINCH, signal.SIGURG, signal.SIGCONT:
        supervisor.send(number)
    supervisor.send(signal.SIGUSR2)
    supervisor.wait_line("received SIGUSR2")
    assert supervisor.stop(signal.SIGQUIT) == 0
    supervisor.wait_line("WARN received SIGQUIT indicating exit request")
