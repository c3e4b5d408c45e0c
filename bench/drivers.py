"""Drivers: how each supervisor is configured, started, looked into and stopped.

A system under test (SUT) is named on the command line as

    --peer supervisord                          a known peer, its program found on PATH
    --peer NAME=KIND:COMMAND                    another program that speaks KIND's configuration
    --ctl  NAME=COMMAND                         its control client (kind supervisord)

e.g.   --peer 'reeve=supervisord:./build/reeved' --ctl 'reeve=./build/reevectl'

For kind `supervisord` the driver runs  COMMAND -n -c CONF  and talks to the unix socket that
CONF names; the program must read that supervisord.conf and answer the same XML-RPC.
"""
import argparse
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import time

from benchlib import (Others, Reports, become_subreaper, descendants, kill_tree, log, note_others, now_ns, open_out,
                      procs, reap_zombies, wait_all_gone, wait_quiet, workdir)


class Driver:
    kind = None
    default_cmd = None
    package = None
    logger = None           # what writes the logs
    notes = ""

    def __init__(self, name, cmd=None, ctl=None, base=None):
        self.name = name
        self.cmd = shlex.split(cmd) if cmd else [self.default_cmd]
        if shutil.which(self.cmd[0]) is None:
            raise FileNotFoundError(self.cmd[0])
        self.cmd[0] = os.path.abspath(shutil.which(self.cmd[0]))
        self.ctl = shlex.split(ctl) if ctl else None
        self.base = base
        self.dir = None
        self.proc = None
        self.reports = None
        self.n = 0

    # -- life cycle -----------------------------------------------------
    def configure(self, n, child, log_to=None, log_bytes=50000000, log_backups=10,
                  runscript="direct", opts=None):
        """n copies of `child` (argv; "{i}" becomes the number). log_to: None or "file"."""
        become_subreaper()
        wait_quiet()
        self.others = Others()
        self.dir = workdir(self.base)
        self.n = n
        self.child = child
        # a "#!" script executed directly is named after the script ("run"), not its interpreter
        self.child_comms = {os.path.basename(child[0])[:15]}
        if runscript == "direct":
            self.child_comms.add("run")
        self.reports = Reports(os.path.join(self.dir, "fifo"))
        self.write_config(n, child, log_to, log_bytes, log_backups, runscript, opts or {})

    def argv(self):
        raise NotImplementedError

    def env(self):
        e = dict(os.environ)
        e["RB_FIFO"] = self.reports.path
        return e

    def start(self):
        """Start the supervisor; returns the CLOCK_MONOTONIC ns just before it."""
        with open(os.path.join(self.dir, "sup.out"), "wb") as out:
            self.t0 = now_ns()
            self.proc = subprocess.Popen(self.argv(), cwd=self.dir, env=self.env(), stdin=subprocess.DEVNULL,
                                         stdout=out, stderr=out, start_new_session=True)
        return self.t0

    def wait_started(self, timeout):
        recs = self.reports.collect(self.n, timeout)
        if len(recs) < self.n:
            raise RuntimeError("%s: only %d of %d children started in %d s" % (self.name, len(recs), self.n, timeout))
        return recs

    def split(self):
        """(supervisor-owned pids, children pids): children are the processes named like the child program."""
        ds = descendants(self.proc.pid, procs())
        kids = [p for p, c in ds.items() if c in self.child_comms]
        own = [self.proc.pid] + [p for p, c in ds.items() if c not in self.child_comms]
        return own, kids

    def wait_kids(self, n, timeout):
        end = time.time() + timeout
        while True:
            own, kids = self.split()
            if len(kids) == n:
                return own, kids
            if time.time() > end:
                raise RuntimeError("%s: %d of %d children after %d s" % (self.name, len(kids), n, timeout))
            time.sleep(0.25)

    def begin_stop(self):
        """Ask for an orderly end of everything."""
        os.kill(self.proc.pid, signal.SIGTERM)

    def stop(self, timeout=60):
        """Orderly stop. Returns (ns asked, ns when the last process was gone or None)."""
        own, kids = self.split()
        t = now_ns()
        self.begin_stop()
        done = wait_all_gone(own + kids, timeout)
        return t, done

    def cleanup(self):
        if self.proc is not None:
            kill_tree(self.proc.pid)
            try:
                self.proc.wait(5)
            except Exception:
                pass
            reap_zombies()
            note_others(self.others.pct())
        if self.reports is not None:
            self.reports.close()
        if self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)
        self.proc = self.reports = self.dir = None

    # -- facts -----------------------------------------------------------
    def version(self):
        for a in (["--version"], ["-v"]) if self.package is None else ():
            try:
                o = subprocess.run(self.cmd + a, capture_output=True, text=True, timeout=5).stdout.strip()
                if o:
                    return o.splitlines()[0]
            except Exception:
                pass
        try:
            return subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}", self.package],
                                  capture_output=True, text=True, timeout=10).stdout.strip() or "?"
        except Exception:
            return "?"

    def log_files(self):
        """Log files of program 0, oldest first."""
        raise NotImplementedError

    def status_cmd(self):
        """argv that prints the state of all services, or None."""
        return None


class Supervisord(Driver):
    kind = "supervisord"
    default_cmd = "supervisord"
    logger = "in the daemon"
    notes = "restart only after startsecs=1; BACKOFF +1 s per failed start"
    more = ""               # sections that one bench adds

    def __init__(self, name, cmd=None, ctl=None, base=None):
        super().__init__(name, cmd, ctl, base)
        if cmd is None:
            self.package = "supervisor"
            self.ctl = self.ctl or ["supervisorctl"]

    def write_config(self, n, child, log_to, log_bytes, log_backups, runscript, opts):
        d = self.dir
        self.socket = os.path.join(d, "s.sock")
        self.conf = os.path.join(d, "supervisord.conf")
        os.mkdir(os.path.join(d, "log"))
        lines = """[unix_http_server]
file={d}/s.sock
chmod=0700
[supervisord]
logfile={d}/supervisord.log
logfile_maxbytes=50MB
logfile_backups=10
loglevel=info
pidfile={d}/supervisord.pid
childlogdir={d}/log
nodaemon=true
silent=true
minfds={fds}
minprocs=200
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{d}/s.sock
[program:p]
numprocs={n}
process_name=%(program_name)s_%(process_num)04d
autostart=true
autorestart=true
""".format(d=d, n=n, fds=max(1024, 6 * n + 200))
        cmd = " ".join(shlex.quote(a).replace("%", "%%").replace("{i}", "%(process_num)d") for a in child)
        lines += "command=%s\n" % cmd
        if log_to == "file":
            lines += ("stdout_logfile={d}/log/%(program_name)s_%(process_num)04d.out\n"
                      "stdout_logfile_maxbytes={b}\nstdout_logfile_backups={k}\n"
                      "stderr_logfile={d}/log/%(program_name)s_%(process_num)04d.err\n"
                      ).format(d=d, b=log_bytes, k=log_backups)
        else:
            lines += "stdout_logfile=NONE\nstderr_logfile=NONE\n"
        for k, v in opts.items():
            lines += "%s=%s\n" % (k, v)
        lines += self.more.replace("{dir}", d)
        with open(self.conf, "w") as f:
            f.write(lines)

    def argv(self):
        return self.cmd + ["-n", "-c", self.conf]

    def log_files(self):
        d = os.path.join(self.dir, "log")
        fs = []
        for f in os.listdir(d):
            m = re.fullmatch(r"p_0000\.out(?:\.(\d+))?", f)
            if m:
                fs.append((-int(m.group(1) or 0), os.path.join(d, f)))
        return [p for _k, p in sorted(fs)]

    def status_cmd(self):
        return self.ctl + ["-c", self.conf, "status"] if self.ctl else None


class Cat(Driver):
    """No supervisor: one child whose output `cat` writes to a file, without rotation. The log benches' yardstick."""
    kind = "cat"
    default_cmd = "sh"
    package = "coreutils"
    logger = "cat >file"

    def write_config(self, n, child, log_to, log_bytes, log_backups, runscript, opts):
        if n != 1 or log_to != "file":
            raise RuntimeError("cat: one child that is logged, nothing else")
        self.log = os.path.join(self.dir, "log")

    def argv(self):
        return self.cmd + ["-c", '"$@" | cat >"$0"', self.log, *self.child]

    def log_files(self):
        return [self.log]


class Scandir(Driver):
    """Common part of the daemontools family: one directory with a run script per service."""
    log_run = None

    def write_config(self, n, child, log_to, log_bytes, log_backups, runscript, opts):
        self.scan = os.path.join(self.dir, "svc")
        os.mkdir(self.scan)
        for i in range(n):
            s = os.path.join(self.scan, "p%04d" % i)
            os.mkdir(s)
            argv = [a.replace("{i}", str(i)) for a in child]
            if runscript == "direct" and len(argv) <= 2:
                text = "#!%s\n" % " ".join(argv)        # no shell between supervisor and child
            else:
                text = "#!/bin/sh\nexec %s\n" % " ".join(shlex.quote(a) for a in argv)
            self._script(os.path.join(s, "run"), text)
            if log_to == "file":
                os.mkdir(os.path.join(s, "log"))
                self._log_service(os.path.join(s, "log"), log_bytes, log_backups)

    @staticmethod
    def _script(path, text):
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)

    def services(self):
        return [os.path.join(self.scan, x) for x in sorted(os.listdir(self.scan)) if not x.startswith(".")]

    def log_files(self):
        d = os.path.join(self.scan, "p0000", "log", "main")
        return [os.path.join(d, f) for f in sorted(os.listdir(d)) if f.startswith("@")] + [os.path.join(d, "current")]


class S6(Scandir):
    kind = "s6"
    default_cmd = "s6-svscan"
    package = "s6"
    logger = "s6-log, one process (and one s6-supervise) per service"
    notes = "without readiness notification s6-supervise waits 1 s after every death"

    def argv(self):
        return self.cmd + ["-c", "4000", self.scan]

    def _log_service(self, d, b, k):
        self._script(os.path.join(d, "run"), "#!/bin/sh\nexec s6-log n%d s%d ./main\n" % (k, b))

    def status_cmd(self):
        return ["sh", "-c", 'for d in "$0"/*; do s6-svstat "$d"; done', self.scan]


class S6Ready(S6):
    """s6 with a child that signals readiness (notification-fd): then the 1 s counts from readiness."""
    kind = "s6-ready"
    notes = "with readiness notification: 1 s between readiness and the next start"

    def env(self):
        return dict(super().env(), RB_NOTIFY_FD="3")

    def write_config(self, *a):
        super().write_config(*a)
        for s in self.services():
            with open(os.path.join(s, "notification-fd"), "w") as f:
                f.write("3\n")


class Runit(Scandir):
    kind = "runit"
    default_cmd = "runsvdir"
    package = "runit"
    logger = "svlogd, one process per service"
    notes = "runsv sleeps 1 s when the last start was less than 1 s ago"

    def argv(self):
        return self.cmd + [self.scan]

    def begin_stop(self):
        os.kill(self.proc.pid, signal.SIGHUP)       # TERM to each runsv, then exit

    def _log_service(self, d, b, k):
        os.mkdir(os.path.join(d, "main"))
        with open(os.path.join(d, "main", "config"), "w") as f:
            f.write("s%d\nn%d\n" % (b, k))
        self._script(os.path.join(d, "run"), "#!/bin/sh\nexec svlogd ./main\n")

    def status_cmd(self):
        return ["sh", "-c", 'exec sv status "$0"/*', self.scan]


class Daemontools(Scandir):
    kind = "daemontools"
    default_cmd = "svscan"
    package = "daemontools"
    logger = "multilog, one process (and one supervise) per service; files of at most 16 MB"
    notes = "supervise sleeps 1 s after every start"

    def argv(self):
        return self.cmd + [self.scan]

    def begin_stop(self):
        os.kill(self.proc.pid, signal.SIGTERM)      # svscan itself has no orderly stop
        ss = self.services()
        ss += [os.path.join(s, "log") for s in ss if os.path.isdir(os.path.join(s, "log"))]
        subprocess.run(["svc", "-dx"] + ss, check=False)

    def _log_service(self, d, b, k):
        self._script(os.path.join(d, "run"), "#!/bin/sh\nexec multilog n%d s%d ./main\n" % (k, min(b, 16000000)))

    def status_cmd(self):
        return ["sh", "-c", 'exec svstat "$0"/*', self.scan]


KINDS = {c.kind: c for c in (Supervisord, S6, S6Ready, Runit, Daemontools, Cat)}


def arguments(doc, peers="supervisord,s6,runit,daemontools", **defaults):
    ap = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--peer", action="append", metavar="KIND | NAME=KIND:COMMAND",
                    help="system under test; may be repeated (default: %s)" % peers)
    ap.add_argument("--ctl", action="append", default=[], metavar="NAME=COMMAND", help="its control client")
    ap.add_argument("--workdir", help="where the working directory goes (default: in memory)")
    ap.add_argument("--out", help="append the JSON lines to this file too")
    ap.add_argument("--runs", type=int, default=defaults.get("runs", 3))
    ap.set_defaults(_peers=peers)
    return ap


def make_drivers(args):
    """A list of driver factories for the chosen SUTs; those not installed are skipped, with a word."""
    open_out(args.out)
    ctl = dict(x.split("=", 1) for x in args.ctl)
    out = []
    for spec in args.peer or args._peers.split(","):
        name, cmd = spec, None
        kind = spec
        if "=" in spec:
            name, rest = spec.split("=", 1)
            kind, _, cmd = rest.partition(":")
            cmd = cmd or None
        if kind not in KINDS:
            raise SystemExit("unknown kind %r (known: %s)" % (kind, ", ".join(KINDS)))

        def make(name=name, kind=kind, cmd=cmd):
            return KINDS[kind](name, cmd, ctl.get(name), args.workdir)
        try:
            make()
        except FileNotFoundError as e:
            log("skipping %s: %s not found" % (name, e))
            continue
        out.append(make)
    return out


def ints(s):
    return [int(x) for x in s.split(",") if x]
