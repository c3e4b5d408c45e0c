"""An event listener for tests: writes each event that it gets to a FIFO, as a line of JSON.

    listener.py FIFO [--answers=FAIL,OK]   the answer to each event in turn, the last one to all that follow
                     [--go=FIFO]           before each answer, and before it is first ready, wait for a byte from there
                     [--at-once]           but not before it is first ready
                     [--bytes]             the length of an event is in bytes
                     [--pieces]            write every byte by itself
"""
import json
import os
import sys


def main():
    options = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[2:])
    answers = options.get("answers", "OK").split(",")
    reports = os.open(sys.argv[1], os.O_WRONLY)
    go = os.open(options["go"], os.O_RDONLY) if "go" in options else None
    events = open(0, "rb") if "bytes" in options else open(0, "r", encoding="utf-8", newline="")

    def say(text):
        data = text.encode()
        for piece in [data[i : i + 1] for i in range(len(data))] if "pieces" in options else [data]:
            os.write(1, piece)

    def wait():
        if go is not None and not os.read(go, 1):
            sys.exit(1)

    def tell(**what):
        line = json.dumps(dict(what, pid=os.getpid())).encode() + b"\n"
        assert len(line) <= 4096 and os.write(reports, line) == len(line)

    tell(started=True)
    if "at-once" not in options:
        wait()
    while True:
        say("READY\n")
        line = events.readline()
        if not line:
            return
        head = dict(word.split(":", 1) for word in (line if isinstance(line, str) else line.decode()).split())
        data = events.read(int(head["len"]))
        text = data if isinstance(data, str) else data.decode()
        tell(head=head, size=len(data), data=text[:1000])
        wait()
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        say(answer.replace("\\n", "\n") if "\\n" in answer else "RESULT %d\n%s" % (len(answer), answer))


main()
