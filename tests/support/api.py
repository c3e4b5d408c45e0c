"""Clients of a supervisor's API: XML-RPC by Python's own xmlrpc.client, and HTTP byte by byte."""
import collections
import http.client
import io
import select
import socket
import time
import xmlrpc.client

import watching

Answer = collections.namedtuple("Answer", "status headers body version")
BODY = "<?xml version='1.0'?><methodCall><methodName>%s</methodName><params>%s</params></methodCall>"


class _Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(watching.LIMIT)
        self.sock.connect(self.path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        if not self._connection or self._connection[0] != host:
            self._connection = host, _Unix(self.path)
        return self._connection[1]


class Client(xmlrpc.client.ServerProxy):
    """`with Client(socket) as client: client.supervisor.getState()`."""

    def __init__(self, path, **more):
        super().__init__("http://localhost/RPC2", transport=_Transport(str(path)), **more)


def outcome(call, *arguments):
    """What a method came to: its result, or ("fault", number, text), or ("http", status)."""
    try:
        return call(*arguments)
    except xmlrpc.client.Fault as fault:
        return "fault", fault.faultCode, fault.faultString
    except xmlrpc.client.ProtocolError as error:
        return "http", error.errcode


def wait_info(client, name, holds, limit=None):
    """Ask until `holds(info)` is true. For states of which the log has no line; each question is an answer of the supervisor's."""
    end = time.monotonic() + (limit or watching.LIMIT)
    while True:
        info = client.supervisor.getProcessInfo(name)
        if holds(info):
            return info
        if time.monotonic() >= end:
            raise watching.Timeout("%s never was as was waited for; in the end: %r" % (name, info))


class Wire:
    """A connection on which a test says each byte itself. `where`: the path of a socket, or (host, port)."""

    def __init__(self, where):
        family = socket.AF_INET if isinstance(where, tuple) else socket.AF_UNIX
        self.socket = socket.socket(family)
        self.socket.settimeout(watching.LIMIT)
        self.socket.connect(where if isinstance(where, tuple) else str(where))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def answer(self, to="GET"):
        """The next answer on this connection; what comes behind it stays for the next call."""
        response = http.client.HTTPResponse(_Shared(self.file), method=to)
        response.begin()
        body = response.read()
        return Answer(response.status, response.headers, body, response.version)

    def head(self):
        """The head of the next answer: (status line, headers). The body is for the test to read."""
        line = self.file.readline().decode().rstrip()
        return line, http.client.parse_headers(self.file)

    def ends(self, seconds=None):
        """Whether the other side closes the connection now, with nothing more said."""
        self.socket.settimeout(seconds or watching.LIMIT)
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


class _Shared:
    """A socket for http.client, which is to read no more than one answer's bytes."""

    def __init__(self, file):
        self.file = file

    def makefile(self, *_):
        return _Borrowed(self.file)


class _Borrowed(io.RawIOBase):
    def __init__(self, file):
        super().__init__()
        self.file = file

    def readable(self):
        return True

    def read(self, size=-1):
        return self.file.read(size)

    def readinto(self, buffer):
        return self.file.readinto(buffer)

    def readline(self, size=-1):
        return self.file.readline(size)


def request(line, body=b"", *headers, length=True):
    """The bytes of a request."""
    body = body if isinstance(body, bytes) else body.encode()
    head = [line, "Host: localhost", *headers]
    if length and (body or line.startswith("POST")):
        head.append("Content-Length: %d" % len(body))
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def call(name, params="", *headers):
    """The bytes of a method call; `params` is XML."""
    return request("POST /RPC2 HTTP/1.1", BODY % (name, params), "Content-Type: text/xml", *headers)


def once(where, data, to="GET"):
    """One request on a connection of its own."""
    with Wire(where) as wire:
        return wire.send(data).answer(to)


def readable(connection, seconds=0):
    return bool(select.select([connection], [], [], seconds)[0])
