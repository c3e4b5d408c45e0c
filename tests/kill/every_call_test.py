"""The core killed before and after each of its system calls, one after the other: whatever it was doing, its successor finishes it.

What must hold each time: no program was started twice, none is missing, its state is right, and all ends in order.
"""
import concurrent.futures
import os
import pathlib
import re
import signal

import pytest
import roles
import watching

from conftest import BUILD, REEVED, Supervisor

KILLER = BUILD / "tests/step-killer"
AT_ONCE = 8

# Tells each of its starts, and lives until it is stopped.
PROGRAM = """
[program:x]
command = /bin/sh -c 'echo start $$ > {dir}/reports; trap "echo term $$ > {dir}/reports; exit 0" TERM; read x; exit 99'
startsecs = 0
autorestart = true
stdout_logfile = NONE
stderr_logfile = NONE
"""


class Scene:
    """A reeved whose core is killed at its n-th stop."""

    def __init__(self, folder, count, program=REEVED):
        self.folder, self.count = folder, count
        folder.mkdir()
        self.reports = watching.Fifo(folder / "reports")
        self.said = watching.Fifo(folder / "said")
        self.killer = None
        self.reeved = Supervisor(program, folder)

    def spawn_killer(self, *words):
        import subprocess
        self.killer = subprocess.Popen([KILLER, self.said.path, str(self.count), *map(str, words)], stdin=subprocess.DEVNULL)
        self.said.wait("ready")

    def was_killed(self):
        """Whether the core got so far. The killer, where it did not, lets go of it."""
        if self.killer:
            self.killer.kill()
            self.killer.wait()
        while self.said.read(0):
            pass
        return any(line.startswith("killed") for line in self.said.lines)

    def starts(self):
        while self.reports.read(0):
            pass
        return [int(line.split()[1]) for line in self.reports.lines if line.startswith("start")]

    def state(self):
        """Its state and pid, once the board has both and no core is about to change them."""
        self.reeved.wait_status("x", "RUNNING")
        return roles.status_table(self.reeved)[1]["x"]

    def close(self):
        self.reeved.clean_up()
        self.reports.close()
        self.said.close()


def check_end(scene, pid, where):
    """All is as it should be; then all ends."""
    state, text = scene.state()
    assert (state, "pid %d," % pid in text) == ("RUNNING", True), (where, text)
    assert scene.reeved.stop() == 0, where
    watching.wait_end(pid)


def at_start(folder, count):
    scene = Scene(folder, count, KILLER)
    try:
        scene.reeved.conf.write_text(("[supervisord]\nnodaemon = true\nlogfile = {dir}/log\npidfile = {dir}/pid\nchildlogdir = {dir}\n" +
                                      PROGRAM).replace("{dir}", str(folder)))
        scene.reeved.run(scene.said.path, str(count), "run", REEVED, "-c", scene.reeved.conf)
        scene.reeved.program = str(REEVED)
        scene.reports.wait("start")
        state, text = scene.state()
        pid = int(re.match(r"pid (\d+)", text)[1])
        killed = scene.was_killed()
        assert scene.starts() == [pid], count
        check_end(scene, pid, count)
        assert scene.starts() == [pid], count
        return killed
    finally:
        scene.close()


def at_restart(folder, count):
    scene = Scene(folder, count)
    try:
        scene.reeved.start(PROGRAM)
        _, first = scene.reports.wait(r"start (\d+)")
        scene.state()
        scene.spawn_killer("attach", roles.wait_pid_of("core", scene.reeved.pid))
        os.kill(int(first[1]), signal.SIGKILL)
        number, _ = scene.reports.wait(r"start (\d+)")
        _, second = scene.reports.wait(r"start (\d+)", after=number + 1)
        pid = int(second[1])
        while "pid %d," % pid not in scene.state()[1]:
            scene.reeved.lines.read(watching.LIMIT)
        killed = scene.was_killed()
        assert scene.starts() == [int(first[1]), pid], count
        check_end(scene, pid, count)
        assert scene.starts() == [int(first[1]), pid], count
        return killed
    finally:
        scene.close()


def at_stop(folder, count):
    scene = Scene(folder, count)
    try:
        scene.reeved.start(PROGRAM)
        pid = int(scene.reports.wait(r"start (\d+)")[1][1])
        scene.state()
        scene.spawn_killer("attach", roles.wait_pid_of("core", scene.reeved.pid))
        assert scene.reeved.stop() == 0, count
        killed = scene.was_killed()
        assert scene.starts() == [pid], count
        watching.wait_end(pid)
        while scene.reports.read(0):
            pass
        assert "term %d" % pid in scene.reports.lines, count
        return killed
    finally:
        scene.close()


@pytest.mark.parametrize("act, first, step", [(at_start, 1, 1), (at_restart, 1, 1), (at_stop, 1, 1)])
def test_the_core_is_killed_at_each_call(act, first, step, tmp_path, nothing_left_behind):
    """Until a count is reached that the core does not get to."""
    if not KILLER.exists() or not REEVED.exists():
        pytest.skip("not built")
    count, reached = first, 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            counts = range(count, count + AT_ONCE * step, step)
            killed = list(pool.map(lambda n: act(tmp_path / ("at-%d" % n), n), counts))
            reached += sum(killed)
            if not all(killed):
                break
            count = counts[-1] + step
    assert reached > 20, "the core was hardly ever killed"
    print(act.__name__, reached)
