#!/usr/bin/python3
"""The API beside work: latency of getProcessInfo and getAllProcessInfo on one keep-alive connection, first with N idle programs,
then while a program writes its log as fast as it can and others end as soon as they have begun."""
import json
import subprocess
import time
import xmlrpc.client

import benchlib as b
import drivers
from api_client import Client

ap = drivers.arguments(__doc__, "supervisord")
ap.add_argument("--n", type=int, default=100)
ap.add_argument("--seconds", type=float, default=3)
ap.add_argument("--crashing", type=int, default=20)
args = ap.parse_args()

MORE = """[program:storm]
command=yes one line of a log, as fast as it can be written, and then the next one of a hundred bytes, about
autostart=false
stdout_logfile={dir}/log/storm.out
stdout_logfile_maxbytes=50MB
stdout_logfile_backups=1
[program:crash]
command=false
numprocs=%d
process_name=%%(program_name)s_%%(process_num)04d
autostart=false
autorestart=true
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
""" % args.crashing


def measure(d, load):
    for method, argument in (("supervisor.getProcessInfo", "p:p_0000"), ("supervisor.getAllProcessInfo", None)):
        command = [b.prog("apibench"), d.socket, method, "-c", "1", "-k", "1", "-t", str(args.seconds)]
        runs = [json.loads(subprocess.run(command + (["-a", argument] if argument else []), capture_output=True, text=True, check=True).stdout)
                for _ in range(args.runs)]
        for key, unit in (("rps", "1/s"), ("p50_us", "us"), ("p99_us", "us")):
            values = [run[key] for run in runs]
            b.emit("sup.api_load", d.name, key, b.median(values), unit, values, d.version(), method=method, load=load, n=args.n,
                   errors=sum(run["errors"] for run in runs), faults=sum(run["faults"] for run in runs))


for make in drivers.make_drivers(args):
    d = make()
    try:
        d.more = MORE
        d.configure(args.n, ["sleep", "100000"], runscript="sh")
        d.start()
        d.wait_kids(args.n, 60)
        time.sleep(2)
        measure(d, "none")
        with Client(d.socket) as client:
            client.supervisor.startProcess("storm", False)
            for i in range(args.crashing):
                try:
                    client.supervisor.startProcess("crash:crash_%04d" % i, False)
                except xmlrpc.client.Fault:     # it has ended before that was said
                    pass
        time.sleep(2)
        measure(d, "storm")
    finally:
        d.cleanup()
