"""What the command line of supervisord takes, refuses, and says then. Nothing here starts a program."""
import os
import pathlib
import re
import subprocess

import pytest
import watching

from conftest import needs_unshare

MINIMAL = "[supervisord]\nlogfile = {dir}/supervisord.log\npidfile = {dir}/supervisord.pid\n"


@pytest.fixture
def run(supervisor):
    """Run to the end and tell (exit status, standard output, standard error)."""
    def run(*arguments, conf=MINIMAL, cwd=None):
        supervisor.conf.write_text(conf.replace("{dir}", str(supervisor.dir)))
        done = subprocess.run([supervisor.program, *map(str, arguments)], cwd=cwd or supervisor.dir, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=watching.LIMIT)
        return done.returncode, done.stdout, done.stderr
    run.dir, run.conf, run.program = supervisor.dir, supervisor.conf, supervisor.program
    return run


def refused(answer):
    """The message of a usage error, which has one form, and exit status 2."""
    status, out, said = answer
    assert status == 2 and out == "", answer
    match = re.search(r"^Error: (.*)\nFor help, use \S+ -h\n\Z", said, re.MULTILINE | re.DOTALL)
    assert match, said
    return match[1]


@pytest.mark.parametrize("option", ["-h", "--help", "-?", "--hel"])
def test_help_is_printed_on_standard_output(run, option):
    status, out, said = run(option)
    assert (status, said) == (0, "")
    for long in "configuration", "nodaemon", "logfile_maxbytes", "childlogdir", "minprocs":
        assert "--" + long in out


@pytest.mark.parametrize("option", ["-v", "--version"])
def test_version_is_one_line(run, option):
    status, out, said = run(option)
    assert (status, said) == (0, "")
    assert re.fullmatch(r".*\d+\.\d+.*\n", out)


def test_the_first_of_help_and_version_wins_over_what_comes_after(run):
    status, out, _ = run("-v", "-h", "-m", "9")
    assert status == 0 and "--help" not in out
    assert run("-h", "-v", "-m", "9")[:2] == (0, run("-h")[1])


def test_an_unknown_option_is_told_also_behind_help(run):
    assert refused(run("-h", "-Z")) == "option -Z not recognized"


@pytest.mark.parametrize("arguments, message", [
    (["-Z"], "option -Z not recognized"),
    (["--nonsense"], "option --nonsense not recognized"),
    (["--log"], "option --log not a unique prefix"),
    (["--nodaemon=1"], "option --nodaemon must not have an argument"),
    (["-c"], "option -c requires argument"),
    (["--umask"], "option --umask requires argument"),
    (["-nZ"], "option -Z not recognized"),
    (["-l", "one", "-l", "two"], "conflicting command line option '-l'"),
    (["-l", "one", "--logfile", "two"], "conflicting command line option '--logfile'"),
    (["-n", "-n"], "conflicting command line option '-n'"),
    (["word"], "positional arguments are not supported: ['word']"),
    (["one", "-n", "two"], "positional arguments are not supported: ['one', '-n', 'two']"),
    (["--", "-n"], "positional arguments are not supported: ['-n']"),
])
def test_a_wrong_option_is_told_in_these_words(run, arguments, message):
    assert refused(run(*arguments)) == message


@pytest.mark.parametrize("arguments, start, word", [
    (["-m", "9"], "invalid value for -m '9': ", "octal"),
    (["-e", "warning"], "invalid value for -e 'warning': ", "level"),
    (["--loglevel", "x"], "invalid value for --loglevel 'x': ", "level"),
    (["-a", "x"], "invalid value for -a 'x': ", "x"),
    (["-y", "1M"], "invalid value for -y '1M': ", "1"),
    (["-z", ""], "invalid value for -z '': ", "''|\"\""),
    (["-d", "/nowhere/at/all"], "invalid value for -d '/nowhere/at/all': ", "/nowhere/at/all.* director"),
    (["-j", "/nowhere/x.pid"], "invalid value for -j '/nowhere/x.pid': ", "exist"),
])
def test_a_wrong_value_is_told_with_its_option_and_the_reason(run, arguments, start, word):
    """The reasons are each one's own: ours are meant to be acted on by a person."""
    message = refused(run(*arguments))
    assert message.startswith(start)
    assert re.search(word, message[len(start):])


def test_no_configuration_anywhere(run, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    program = empty / "bin/daemon"
    program.parent.mkdir()
    program.symlink_to(run.program)
    places = [empty / "etc/supervisord.conf", empty / "supervisord.conf"]
    argv = [program]
    if os.path.exists("/etc/supervisor"):  # the distribution's: out of sight for this one
        if os.getuid() != 0:
            pytest.skip("this machine has a configuration where one is looked for")
        needs_unshare("--mount")
        argv = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /etc/supervisor && exec "$0"', program]
    done = subprocess.run(argv, cwd=empty, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=watching.LIMIT)
    assert done.returncode == 2
    listed = re.search(r"Error: No config file found at default paths \((.*)\); use the -c option to specify a config file at a "
                       r"different path\n", done.stderr)[1].split(", ")
    assert [os.path.normpath(empty / path) for path in listed] == [os.path.normpath(empty / path) for path in places + [
        "supervisord.conf", "etc/supervisord.conf", "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"]]


@pytest.mark.parametrize("conf, words", [
    ("[program:x]\ncommand = /bin/true\n", "supervisord"),
    ("[supervisord]\nloglevel = loud\n", "loud"),
    ("[supervisord]\n[program:x]\n", "program section program:x does not specify a command"),
    ("[supervisord]\n[program:x]\ncommand = cat\nstopasgroup = true\nkillasgroup = false\n",
     "Cannot set stopasgroup=true and killasgroup=false"),
    ("[supervisord]\n[program:x]\ncommand = cat\nnumprocs = 2\n",
     "%(process_num) must be present within process_name when numprocs > 1"),
    ("[supervisord]\n[group:g]\nprograms = nope\n", "[group:g] names unknown program or fcgi-program nope"),
    ("[supervisord]\nuser = nosuchuser\n", "nosuchuser"),
    ("[supervisord]\nnonsense\n", "nonsense"),
])
def test_a_wrong_configuration_is_an_exit_status_of_2_and_a_reason(run, conf, words):
    status, out, said = run("-n", "-c", run.conf, conf=conf)
    assert (status, out) == (2, "")
    assert words in said, said
    assert not (run.dir / "supervisord.log").exists()


def test_descriptors_that_cannot_be_had_are_an_exit_status_of_2(run):
    """Also for root, who may raise limits, but not beyond the kernel's."""
    status, _, said = run("-n", "-c", run.conf, conf=MINIMAL + "minfds = 2000000000\n")
    assert status == 2
    assert "minfds" in said or "descriptors" in said
    assert "2000000000" in said


def test_a_configuration_that_is_a_directory_is_refused(run):
    assert run("-n", "-c", run.dir)[0] == 2
    assert pathlib.Path(run.dir).is_dir()
