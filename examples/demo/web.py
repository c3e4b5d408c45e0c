"""A pre-forking web server: web.py PORT CACHE_SOCKET

One process listens and starts two workers, which accept from the same socket. A page says who answered, and how many
pages the cache has counted. A worker that dies is replaced; SIGTERM ends them all.
"""
import http.server
import os
import signal
import socket
import sys

WORKERS = 2


def count_page(cache):
    """The number of this page, as Redis counts; or a word when the cache is away."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(cache)
            connection.sendall(b"INCR pages\r\n")
            return connection.recv(64).decode().strip().lstrip(":")
    except OSError as error:
        return "unknown (%s)" % error


class Page(http.server.BaseHTTPRequestHandler):
    cache = None

    def do_GET(self):
        body = ("page %s, from worker %d\n" % (count_page(self.cache), os.getpid())).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, text, *arguments):
        print("worker %d: %s" % (os.getpid(), text % arguments), flush=True)


class Listener(http.server.HTTPServer):
    request_queue_size = 64


def start_worker(listener):
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        listener.serve_forever()
    return pid


def main():
    port, Page.cache = int(sys.argv[1]), sys.argv[2]
    listener = Listener(("127.0.0.1", port), Page)
    workers = {start_worker(listener) for _ in range(WORKERS)}
    print("listening on port %d with workers %s" % (port, sorted(workers)), flush=True)

    def end(_number, _frame):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)  # a supervisor gives each program a process group of its own
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    while True:
        pid, _status = os.wait()
        workers.discard(pid)
        print("worker %d is gone" % pid, flush=True)
        workers.add(start_worker(listener))


if __name__ == "__main__":
    main()
