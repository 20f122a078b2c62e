"""A peer that speaks HTTP/2 frame by frame, and so can say what no gRPC library would."""

import socket
import struct
import time

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_HEADERS, ACK = 4, 1
CANCEL, REFUSED_STREAM, ENHANCE_YOUR_CALM = 8, 7, 11

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEALTH = "/grpc.health.v1.Health/Check"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _integer(value, bits, first=0):
    """An integer in HPACK, behind the high bits `first` of its first byte."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    encoded = [first | most]
    value -= most
    while value >= 128:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes(encoded + [value])


def header(name, value, indexed=False):
    """A header in HPACK, spelt out; `indexed` puts it into the peer's table, too."""
    name, value = name.encode(), value.encode()
    return (bytes([0x40 if indexed else 0]) + _integer(len(name), 7) + name +
            _integer(len(value), 7) + value)


def header_start(name, size):
    """A header whose value, of `size` bytes, is still to come."""
    return bytes([0]) + _integer(len(name), 7) + name.encode() + _integer(size, 7)


# The header that was indexed last.
LAST_INDEXED = _integer(62, 7, 0x80)


def request(path=_HEALTH, te="trailers", scheme="http"):
    """The headers of a call."""
    fields = {":method": "POST", ":scheme": scheme, ":path": path, ":authority": "innkeeper.test",
              "content-type": "application/grpc", "te": te}
    return b"".join(header(name, value) for name, value in fields.items())


EMPTY_MESSAGE = b"\0" * 5


class Peer:
    """A connection. Whoever uses it must expect it to be closed at any time."""

    def __init__(self, address, tls=None):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=10)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        self._received = b""
        self._socket.sendall(_PREFACE + frame(SETTINGS, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._socket.close()

    def send(self, data):
        """Returns False if the connection is gone."""
        try:
            self._socket.sendall(data)
            return True
        except OSError:
            return False

    def send_all(self, pieces):
        """Sends one piece after another; returns how many bytes before the connection went."""
        sent = 0
        for piece in pieces:
            if not self.send(piece):
                break
            sent += len(piece)
        return sent

    def _take(self, size):
        while len(self._received) < size:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("closed")
            self._received += data
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def frames(self, seconds):
        """Yields what comes, as (kind, stream, payload), until that time is over or the
        connection is."""
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                self._socket.settimeout(left)
                head = self._take(9)
                size = int.from_bytes(head[:3], "big")
                yield head[3], int.from_bytes(head[5:], "big") & 0x7FFFFFFF, self._take(size)
        except OSError:
            return
