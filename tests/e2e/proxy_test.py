#!/usr/bin/python3
"""A server behind nginx, as deploy/nginx.conf has it: what is called through it works, and what
gRPC does not bear does not get through.

Usage: proxy_test.py INNKEEPER_SERVER DEPLOY_DIR
"""

import contextlib
import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from http2_peer import (CANCEL, CONTINUATION, DATA, EMPTY_MESSAGE, END_HEADERS, GOAWAY,
                        HEADERS, REFUSED_STREAM, RST_STREAM, Peer, frame, header, header_start, request)
from running_server import ALICE, TOKEN, child_peak_memory, running_server, skip

try:
    import grpc
except ImportError as error:
    skip(f"{error}; install python3-grpcio")

NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
NAME = "innkeeper.example.org"
METADATA = [("authorization", "Bearer " + TOKEN)]
DEADLINE = 60  # seconds; no call should take so long

MAIN = """
daemon off;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  include {directory}/innkeeper.conf;
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configure(deploy, directory, server, port):
    """Writes the configuration as an operator would adapt it; returns the path of nginx's own."""
    text = pathlib.Path(deploy, "nginx.conf").read_text()
    for old, new in {
        "127.0.0.1:7447": server,
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "/etc/innkeeper/tls/certificate.pem": f"{directory}/certificate.pem",
        "/etc/innkeeper/tls/key.pem": f"{directory}/key.pem",
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    pathlib.Path(directory, "innkeeper.conf").write_text(text)
    main = pathlib.Path(directory, "main.conf")
    main.write_text(MAIN.format(directory=directory))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=" + NAME, "-addext", "subjectAltName=DNS:" + NAME,
         "-keyout", f"{directory}/key.pem", "-out", f"{directory}/certificate.pem"],
        check=True, capture_output=True)
    return main


@contextlib.contextmanager
def running_proxy(deploy, server):
    """Runs nginx before the server; yields its address and certificate."""
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        main = configure(deploy, directory, server, port)
        command = [NGINX, "-p", directory, "-c", str(main)]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        assert "[warn]" not in checked.stderr.replace('[warn] the "user" directive', ""), \
            checked.stderr
        with open(f"{directory}/log", "wb") as log:
            nginx = subprocess.Popen(command, stderr=log)
        try:
            end = time.monotonic() + DEADLINE
            while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
                assert nginx.poll() is None and time.monotonic() < end, \
                    pathlib.Path(directory, "log").read_text()
                time.sleep(0.01)
            yield f"127.0.0.1:{port}", pathlib.Path(directory, "certificate.pem").read_bytes()
        finally:
            nginx.terminate()
            nginx.wait()


def field(number, value):
    """A field of a message that is a text."""
    return bytes([number << 3 | 2, len(value)]) + value


class ProxyTest(unittest.TestCase):
    """Tests share a server and a proxy, which have to be well behind each of them."""

    address = None
    certificate = None

    def setUp(self):
        credentials = grpc.ssl_channel_credentials(self.certificate)
        self.channel = grpc.secure_channel(
            self.address, credentials, [("grpc.ssl_target_name_override", NAME)])
        self.addCleanup(self.channel.close)

    def tearDown(self):
        self.assertEqual(self.call("/grpc.health.v1.Health/Check", b""), b"\x08\x01")  # SERVING

    def call(self, method, message, metadata=METADATA):
        return self.channel.unary_unary(method)(message, metadata=metadata, timeout=DEADLINE)

    def peer(self):
        tls = ssl.create_default_context()
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
        tls.set_alpn_protocols(["h2"])
        return Peer(self.address, tls)

    def create(self):
        return self.call("/innkeeper.v1.RoomLifecycle/CreateRoom", field(1, ALICE.encode()))

    def test_calls_work(self):
        self.assertIn(b"!", self.create())

    def test_errors_come_through_whole(self):
        for metadata, code in ((METADATA, grpc.StatusCode.NOT_FOUND),
                               ([], grpc.StatusCode.UNAUTHENTICATED)):
            with self.assertRaises(grpc.RpcError) as raised:
                self.call("/innkeeper.v1.RoomLifecycle/GetRoom", field(1, b"!none:example.org"),
                          metadata)
            self.assertEqual(raised.exception.code(), code)
            details = dict(raised.exception.trailing_metadata())["grpc-status-details-bin"]
            self.assertIn(b"google.rpc.ErrorInfo", details)

    def test_streams_tell_at_once(self):
        watch = self.channel.unary_stream("/innkeeper.v1.RoomLifecycle/WatchRoomEvents")
        stream = watch(b"", metadata=METADATA, timeout=DEADLINE)
        next(stream)  # caught up
        self.create()
        self.assertTrue(any(b"room.created" in message for message in stream))
        stream.cancel()

    def test_nothing_else_is_there(self):
        for method in ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                       "/grpc.channelz.v1.Channelz/GetServers", "/other.Service/Method"):
            with self.assertRaises(grpc.RpcError) as raised:
                self.call(method, b"")
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_a_token_of_the_greatest_length_passes(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.call("/innkeeper.v1.RoomLifecycle/GetRoom", field(1, b"!none:example.org"),
                      [("authorization", "Bearer " + "t" * 4096)])
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAUTHENTICATED)

    def test_streams_are_bounded_for_peers_that_acknowledge_nothing(self):
        with self.peer() as peer:
            headers = request("/innkeeper.v1.RoomLifecycle/GetRoom")
            peer.send(b"".join(frame(HEADERS, END_HEADERS, 2 * i + 1, headers)
                               for i in range(1000)))
            refused = sum(kind == RST_STREAM and payload == struct.pack(">I", REFUSED_STREAM)
                          for kind, _, payload in peer.frames(2))
        self.assertGreaterEqual(refused, 100)

    def test_headers_without_end_go_no_further(self):
        before = child_peak_memory()
        for first, piece in ((b"", header("x", "y" * 8000) * 2),
                             (header_start("x", 1 << 30), b"y" * 16000)):
            with self.peer() as peer:
                peer.send(frame(HEADERS, 0, 1, request() + first))
                peer.send_all([frame(CONTINUATION, 0, 1, piece)] * 10_000)
        self.assertLess(child_peak_memory(), before + (20 << 20))

    def test_a_connection_serves_so_many_calls_only(self):
        headers = request("/innkeeper.v1.RoomLifecycle/GetRoom")
        with self.peer() as peer:
            peer.send_all(frame(HEADERS, END_HEADERS, stream, headers) +
                          frame(DATA, 0, stream, EMPTY_MESSAGE) +
                          frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))
                          for stream in range(1, 2 * 11_000, 2))
            last = [int.from_bytes(payload[:4], "big")
                    for kind, _, payload in peer.frames(20) if kind == GOAWAY]
        self.assertEqual(len(last), 1)
        self.assertLess(last[0], 2 * 10_000)


if __name__ == "__main__":
    if NGINX is None:
        skip("there is no nginx; install nginx")
    with running_server(sys.argv[1]) as server_address:
        with running_proxy(sys.argv[2], server_address) as (ProxyTest.address,
                                                            ProxyTest.certificate):
            result = unittest.main(argv=sys.argv[:1], exit=False).result
        if not result.wasSuccessful():
            sys.exit(1)
