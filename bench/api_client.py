"""A client of the XML-RPC interface on a unix socket."""
import http.client
import socket
import xmlrpc.client


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        if not self._connection or self._connection[0] != host:
            self._connection = host, _Connection(self.path)
        return self._connection[1]


class Client(xmlrpc.client.ServerProxy):
    def __init__(self, path):
        super().__init__("http://localhost/RPC2", transport=_Transport(path))
