"""What the installed supervisor makes of a configuration file, in the shape of `reeved --check --json`.

As a module: Reference asks a process of its own, which keeps the environment and directory of the asker clean. As a program: that
process. It reads a line of JSON (the file, the directory to be in, the environment) and answers with one.

Nothing is started: supervisor's own ServerOptions reads the file, and its attributes are printed.
"""
import json
import os
import shlex
import subprocess
import sys

LEVELS = {50: "critical", 40: "error", 30: "warn", 20: "info", 10: "debug", 5: "trace", 3: "blather"}
TOP = """logfile logfile_maxbytes logfile_backups pidfile umask directory user uid gid childlogdir identifier minfds minprocs
         serverurl""".split()
TOP_FLAGS = ["nodaemon", "silent", "nocleanup", "strip_ansi"]


class Reference:
    """The real one; `with` closes it."""

    def __init__(self):
        self.process = subprocess.Popen(["/usr/bin/python3", "-X", "utf8", "-W", "ignore", os.path.abspath(__file__)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def ask(self, path, cwd, environment):
        print(json.dumps([str(path), str(cwd), environment]), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def of_process(config):
    from supervisor import datatypes
    restarts = {datatypes.RestartUnconditionally: True, datatypes.RestartWhenExitUnexpected: "unexpected"}
    shown = {}
    for name in config.req_param_names + config.optional_param_names:
        value = getattr(config, name)
        if value is datatypes.Automatic:
            value = "AUTO"
        elif name == "autorestart":
            value = restarts.get(value, False)
        elif name == "stopsignal":
            value = int(value)
        shown[name] = value
    try:
        shown["argv"] = shlex.split(config.command)
        if not shown["argv"]:
            shown["argv_error"] = "command is empty"
    except ValueError as why:
        shown.update(argv=None, argv_error=str(why))
    return shown


def of_group(config, specs):
    from supervisor import events, options
    shown = {"name": config.name, "priority": config.priority, "kind": "program",
             "processes": [of_process(p) for p in config.process_configs]}
    if isinstance(config, options.EventListenerPoolConfig):
        names = {event: name for name, event in vars(events.EventTypes).items() if name.isupper()}
        shown.update(kind="eventlistener", buffer_size=config.buffer_size, result_handler=specs[config.result_handler],
                     events=sorted(names[event] for event in config.pool_events))
    elif isinstance(config, options.FastCGIGroupConfig):
        socket = config.socket_config
        shown.update(kind="fcgi-program", socket={"url": socket.url, "backlog": socket.get_backlog()})
        if socket.url.startswith("unix:"):
            shown["socket"].update(mode=socket.get_mode(), owner=socket.get_owner())
    return shown


def of_server(config):
    keys = ["section", "username", "password"] + (["file", "chmod", "chown"] if "file" in config else ["host", "port"])
    return dict({key: config[key] for key in keys}, family="unix" if "file" in config else "inet")


def effective(path):
    from supervisor import options as supervisor_options

    specs = {}

    class Options(supervisor_options.ServerOptions):
        def usage(self, message):
            raise ValueError(message)

        def import_spec(self, spec):
            found = super().import_spec(spec)
            specs[found] = spec
            return found

    options = Options()
    options.realize(["-c", path], doc="", progname="supervisord")
    section = options.configroot.supervisord
    level = options.loglevel if isinstance(options.loglevel, int) else 20
    top = {name: getattr(options, name) for name in TOP}
    top.update({name: bool(getattr(options, name)) for name in TOP_FLAGS}, loglevel=LEVELS[level], environment=section.environment)
    return {
        "supervisord": top,
        "servers": [of_server(config) for config in options.server_configs],
        "rpcinterfaces": [{"name": name, "factory": specs[factory], "options": extras}
                          for name, factory, extras in section.rpcinterface_factories],
        "groups": [of_group(config, specs) for config in options.process_group_configs],
        "warnings": options.parse_warnings,
        "included": [info.split('"')[1] for info in options.parse_infos if info.startswith("Included extra file")],
    }


def serve():
    for line in sys.stdin:
        path, cwd, environment = json.loads(line)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(cwd)
        try:
            answer = effective(path)
        except Exception as why:  # what supervisord has no message for ends it too
            answer = {"error": "%s: %s" % (type(why).__name__, why)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
