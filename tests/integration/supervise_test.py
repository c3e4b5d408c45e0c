"""What a person sees first, of the real supervisord and of ours alike: programs start, are mended, and end with it."""
import os
import signal

import pytest
import watching

TWO_PROGRAMS = """
[program:first]
command = /bin/sh -c 'echo first $$ > {dir}/reports; exec sleep 1000'
priority = 1
startsecs = 0
[program:second]
command = /bin/sh -c 'echo second $$ > {dir}/reports; exec sleep 1000'
priority = 2
startsecs = 0
"""


def test_programs_start_in_order_and_end_with_it(supervisor, reports):
    supervisor.start(TWO_PROGRAMS)
    first, pid = supervisor.wait_spawned("first")
    second, _ = supervisor.wait_spawned("second")
    assert first < second
    assert reports.wait(r"first (\d+)")[1][1] == str(pid)
    reports.wait(r"second")
    assert supervisor.stop() == 0
    watching.wait_end(pid)


@pytest.mark.parametrize("number, says", [(signal.SIGKILL, "terminated by SIGKILL"), (signal.SIGSEGV, "terminated by SIGSEGV")])
def test_a_program_that_is_killed_is_started_again(supervisor, reports, number, says):
    supervisor.start(TWO_PROGRAMS)
    line, pid = supervisor.wait_spawned("first")
    reports.wait("first %d" % pid)
    supervisor.wait_running("first")
    os.kill(pid, number)
    supervisor.wait_line(r"exited: first \(%s.*not expected\)" % says)
    line, successor = supervisor.wait_spawned("first", after=line + 1)
    assert successor != pid
    reports.wait("first %d" % successor)
    assert supervisor.stop(signal.SIGINT) == 0


def test_output_goes_to_the_log_file(supervisor, reports):
    supervisor.start("""
[program:speak]
command = /bin/sh -c 'echo one; echo two >&2; exec sleep 1000'
startsecs = 0
stdout_logfile = {dir}/out
stderr_logfile = {dir}/err
""")
    assert watching.wait_file(supervisor.dir / "out", lambda content: content.endswith(b"\n")) == b"one\n"
    assert watching.wait_file(supervisor.dir / "err", lambda content: content.endswith(b"\n")) == b"two\n"
    assert supervisor.stop() == 0


def test_a_program_that_cannot_stay_up_is_given_up(supervisor):
    supervisor.start("""
[program:x]
command = /bin/sh -c 'exit 1'
startretries = 1
startsecs = 5
""")
    supervisor.wait_line(r"gave up: x entered FATAL state, too many start retries too quickly")
    assert len(supervisor.lines.matching(r"spawned: 'x'")) == 2
    assert supervisor.stop() == 0


def test_a_configuration_that_is_not_there_is_refused(supervisor):
    supervisor.run("-n", "-c", supervisor.dir / "nowhere.conf")
    assert supervisor.wait() == 2
    assert supervisor.lines.matching("nowhere.conf")
