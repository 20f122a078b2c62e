#!/usr/bin/python3
"""What peers that keep to no rule of HTTP/2 can do to a server, and what they can't.

docs/security.md says what is left to a proxy.

Usage: hostile_connections_test.py INNKEEPER_SERVER
"""

import struct
import sys
import unittest

from http2_peer import (ACK, CANCEL, DATA, EMPTY_MESSAGE, END_HEADERS,
                        ENHANCE_YOUR_CALM, GOAWAY, HEADERS, LAST_INDEXED, PING, RST_STREAM,
                        SETTINGS, Peer, frame, header, request)
from running_server import running_server, skip

try:
    import grpc
except ImportError as error:
    skip(f"{error}; install python3-grpcio")

MAX_STREAMS = 100
GET_ROOM = "/innkeeper.v1.RoomLifecycle/GetRoom"


class HostileConnectionsTest(unittest.TestCase):
    """Tests share a server, which has to be well behind each of them."""

    address = None

    def tearDown(self):
        with grpc.insecure_channel(self.address) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            self.assertEqual(check(b"", timeout=60), b"\x08\x01")  # SERVING

    def answer(self, headers):
        """All frames that answer a call with these headers, but settings and the like."""
        with Peer(self.address) as peer:
            peer.send(frame(HEADERS, END_HEADERS, 1, headers) + frame(DATA, 1, 1, EMPTY_MESSAGE))
            answer = b""
            for kind, stream, payload in peer.frames(10):
                if stream == 1 and kind in (HEADERS, DATA):
                    answer += payload
                    if b"grpc-status" in payload:
                        return answer
            return answer

    def test_metadata_is_bounded_however_small_it_was_made(self):
        self.assertIn(b"grpc-status\x010", self.answer(request()))
        once = header("x-large", "y" * 3000, indexed=True)
        self.assertIn(b"grpc-status\x010", self.answer(request() + once + LAST_INDEXED))
        self.assertIn(b"grpc-status\x018", self.answer(request() + once + LAST_INDEXED * 10_000))

    def test_pings_are_bounded(self):
        with Peer(self.address) as peer:
            pings = frame(PING, 0, 0, b"innkeepr") * 1000
            self.assertLess(peer.send_all([pings] * 1000), 1000 * len(pings))
            codes = [int.from_bytes(payload[4:8], "big")
                     for kind, _, payload in peer.frames(10) if kind == GOAWAY]
            self.assertIn(codes, ([ENHANCE_YOUR_CALM], []))  # it may be lost with the connection

    def test_streams_are_bounded_for_peers_that_acknowledge_settings(self):
        with Peer(self.address) as peer:
            settings = next(payload for kind, _, payload in peer.frames(10) if kind == SETTINGS)
            self.assertIn(struct.pack(">HI", 3, MAX_STREAMS), settings)
            peer.send(frame(SETTINGS, ACK, 0))
            headers = request(GET_ROOM)
            peer.send(b"".join(frame(HEADERS, END_HEADERS, 2 * i + 1, headers)
                               for i in range(3 * MAX_STREAMS)))
            opened = {stream for kind, stream, _ in peer.frames(10) if stream != 0}
            self.assertLessEqual(len(opened), MAX_STREAMS)

    def test_streams_that_are_reset_at_once_cost_what_calls_cost(self):
        for path in (GET_ROOM, "/grpc.health.v1.Health/Check"):
            headers = request(path)
            with Peer(self.address) as peer:
                peer.send_all(frame(HEADERS, END_HEADERS, stream, headers) +
                              frame(DATA, 0, stream, EMPTY_MESSAGE) +
                              frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))
                              for stream in range(1, 10_000, 2))


if __name__ == "__main__":
    option = f"--max_concurrent_streams={MAX_STREAMS}"
    with running_server(sys.argv[1], option) as server_address:
        HostileConnectionsTest.address = server_address
        if not unittest.main(argv=sys.argv[:1], exit=False).result.wasSuccessful():
            sys.exit(1)
