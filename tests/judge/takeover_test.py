#!/usr/bin/python3
"""Has a second server take rooms of every version and kind over from a first: what it exports
must be what it was given, to the byte, and what goes on to happen in the rooms must be accepted
by Synapse's code.

Usage: takeover_test.py INNKEEPER_SERVER PROTO_DIR GOOGLE_RPC_PROTO_DIR
"""

import contextlib
import pathlib
import sys
import tempfile

import judge_test  # first: it makes the modules of the end-to-end tests importable
import grpc
import rooms
import traffic
from client import Client
from google.protobuf import json_format
from running_server import running_server


class Takeover:
    """The two servers, and how often something was wrong."""

    def __init__(self, origin, heir):
        self.origin = origin
        self._heir = heir
        self.count = 0
        self.wrong = 0

    def __call__(self, room_id):
        """Has the heir import a room; returns its id."""
        export = list(self.origin.call("ExportRoom", {"room_id": room_id}))
        imported = self._heir.send("ImportRoom", map(json_format.MessageToDict, export))
        again = list(self._heir.call("ExportRoom", {"room_id": room_id}))
        self.count += 1
        if imported.refused_event_count or imported.unverified_servers or again != export:
            self.wrong += 1
            print(f"room {room_id} was not taken over as it is: {imported}"[:2000])
        return room_id


def take_over_all_kinds(take_over):
    """Rooms that were only just made."""
    for version in rooms.VERSIONS:
        for request in [*rooms.creations(version), *rooms.oddities(version)]:
            # An oddity may be refused, by the client's library or by the server.
            with contextlib.suppress(grpc.RpcError, json_format.ParseError):
                room_id = take_over.origin.call("CreateRoom", request).room.room_id
                take_over(room_id)


def go_on_in_lively_rooms(take_over, exporter):
    """Rooms in which a lot has happened. In the one goes on what was going on, the other is
    replaced, for which the heir has to know them well."""
    club = take_over(traffic.make_club(take_over.origin))
    for version in rooms.VERSIONS:
        for rule in traffic.join_rules(version):
            stays, goes = (
                take_over(traffic.make_lively_room(take_over.origin, version, rule, club))
                for _ in range(2))
            traffic.go_on(exporter.client, stays, version)
            exporter.export(stays, f"v{version}-{rule}-stays")
            successor = exporter.upgrade(goes, version)
            traffic.go_on(exporter.client, successor, version)
            exporter.export(goes, f"v{version}-{rule}-goes")
            exporter.export(successor, f"v{version}-{rule}-successor")


def main():
    server, proto_dir, google_rpc_dir = sys.argv[1:4]
    python = judge_test.synapse()
    with tempfile.TemporaryDirectory() as out, tempfile.TemporaryDirectory() as directory:
        # With one key for both, every event is signed alike.
        key = pathlib.Path(out, "example.org.signing.key")
        judge_test.make_key(python, key)
        flags = [f"--signing_key_file={key}", "--rate_limits=off"]
        with running_server(server, *flags) as first, running_server(server, *flags) as second:
            origin, heir = (Client(address, proto_dir, google_rpc_dir, out)
                            for address in (first, second))
            take_over = Takeover(origin, heir)
            take_over_all_kinds(take_over)
            go_on_in_lively_rooms(take_over, judge_test.Exporter(directory, heir))
            origin.close()
            heir.close()
        print(f"{take_over.count - take_over.wrong} of {take_over.count} rooms taken over",
              flush=True)
        accepted = judge_test.run_judges(python, directory)
    sys.exit(0 if accepted and take_over.count and not take_over.wrong else 1)


if __name__ == "__main__":
    main()
