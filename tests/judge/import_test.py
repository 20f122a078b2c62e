#!/usr/bin/python3
"""Has rooms imported, with events among theirs that were spoiled in every way: these are left
out, all others taken, and the same room comes out again.

Usage: import_test.py INNKEEPER_SERVER PROTO_DIR GOOGLE_RPC_PROTO_DIR
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import judge_test  # first: it makes the modules of the end-to-end tests importable
import rooms
import traffic
from client import Client
from google.protobuf import json_format
from running_server import running_server

PIECE = 100  # events in a message


def export_lively_rooms(client, directory):
    """Rooms of every version in which a lot has happened, and their successors."""
    exporter = judge_test.Exporter(directory, client)
    club = traffic.make_club(client)
    for version in rooms.VERSIONS:
        rule = traffic.join_rules(version)[-1]
        room = traffic.make_lively_room(client, version, rule, club)
        successor = exporter.upgrade(room, version)
        traffic.go_on(client, successor, version)
        exporter.export(room, f"v{version}-old")
        exporter.export(successor, f"v{version}-new")


def import_room(client, room):
    """Returns the response."""
    header = {key: room["header"][key] for key in ("room_id", "room_version", "verify_keys")}
    pieces = [{"events": {"pdus": room["pdus"][start:start + PIECE]}}
              for start in range(0, len(room["pdus"]), PIECE)]
    return client.send("ImportRoom", [{"header": header}, *pieces])


def export(client, room_id):
    """Returns the PDUs of a room."""
    messages = map(json_format.MessageToDict, client.call("ExportRoom", {"room_id": room_id}))
    return [pdu for message in messages for pdu in message.get("events", {}).get("pdus", [])]


def problems(client, room):
    """Yields what is wrong with the import of a room that spoil.py spoiled."""
    response = import_room(client, room)
    spoiled = set(room["spoiled"])
    refused = {event.position: event.reason for event in response.refused_events}
    for place in sorted(spoiled - set(refused)):
        yield f"took {room['pdus'][place][:500]}"
    for place in sorted(set(refused) - spoiled):
        yield f"refused for \"{refused[place]}\" {room['pdus'][place][:500]}"
    if response.refused_event_count != len(spoiled):
        yield f"refused {response.refused_event_count} events"
    if export(client, response.room.room_id) != [
            pdu for place, pdu in enumerate(room["pdus"]) if place not in spoiled]:
        yield "another room came out than went in"


def main():
    server, proto_dir, google_rpc_dir = sys.argv[1:4]
    python = judge_test.synapse()
    with tempfile.TemporaryDirectory() as out, tempfile.TemporaryDirectory() as exports, \
            tempfile.TemporaryDirectory() as spoiled:
        key = pathlib.Path(spoiled, "example.org.signing.key")
        judge_test.make_key(python, key)
        flags = [f"--signing_key_file={key}", "--rate_limits=off"]
        with running_server(server, *flags) as address:
            client = Client(address, proto_dir, google_rpc_dir, out)
            export_lively_rooms(client, exports)
            client.close()
        subprocess.run([python, "-B", judge_test.TESTS / "judge" / "spoil.py", key, spoiled,
                        *sorted(pathlib.Path(exports).iterdir())], check=True)
        found = 0
        with running_server(server, *flags) as address:
            client = Client(address, proto_dir, google_rpc_dir, out)
            for path in sorted(pathlib.Path(spoiled).glob("*.json")):
                for problem in problems(client, json.loads(path.read_text(encoding="utf-8"))):
                    print(f"{path.name}: {problem}")
                    found += 1
            client.close()
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
