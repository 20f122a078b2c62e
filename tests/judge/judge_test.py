#!/usr/bin/python3
"""Has rooms of a running server, of every version and kind, judged by Synapse's code, and
sees to it that the same judge refuses what is forged.

Usage: judge_test.py INNKEEPER_SERVER PROTO_DIR GOOGLE_RPC_PROTO_DIR
"""

import contextlib
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "e2e"))

from running_server import running_server, skip

try:
    import grpc
    from google.protobuf import json_format
except ImportError as error:
    skip(f"{error}; install python3-grpcio and python3-protobuf")

import rooms
import traffic
from client import Client

# Upgrades of one room, each to the version that follows.
CHAIN = ["1", "12", "2", "11", "3", "10", "4", "9", "5", "8", "6", "7", "7", "12", "12", "11"]
JUDGES = 2  # that judge at the same time


def synapse():
    """Returns the path of a Python that has Synapse."""
    found = subprocess.run([TESTS / "tools" / "synapse.sh"], stdout=subprocess.PIPE, text=True,
                           check=False)
    path = found.stdout.strip().splitlines()[-1]
    if found.returncode == 77:
        skip(path)
    if found.returncode != 0:
        sys.exit("synapse.sh failed: " + found.stdout)
    return path


def make_key(python, path):
    """Writes a new signing key into a file."""
    subprocess.run([pathlib.Path(python).parent / "generate_signing_key", "-o", path], check=True)
    path.chmod(0o600)


class Exporter:
    """Makes rooms and writes their exports into a directory."""

    def __init__(self, directory, client):
        self._directory = directory
        self.client = client
        self.count = 0

    def create(self, request):
        """Returns the id of a new room."""
        return self.client.call("CreateRoom", request).room.room_id

    def upgrade(self, room_id, version):
        """Returns the id of the room's successor."""
        return self.client.call("UpgradeRoom", {
            "room_id": room_id, "requester": rooms.ALICE, "new_version": version}).room.room_id

    def export(self, room_id, name):
        """Writes a file as grpcurl would."""
        messages = self.client.call("ExportRoom", {"room_id": room_id})
        text = "\n".join(json_format.MessageToJson(message, preserving_proto_field_name=True)
                         for message in messages)
        pathlib.Path(self._directory, name + ".json").write_text(text, encoding="utf-8")
        self.count += 1


def make_rooms(exporter):
    """Every kind of room in every version."""
    for version in rooms.VERSIONS:
        for number, request in enumerate(rooms.creations(version)):
            exporter.export(exporter.create(request), f"v{version}-{number}")
        for number, request in enumerate(rooms.oddities(version)):
            # An oddity may be refused, by the client's library or by the server.
            with contextlib.suppress(grpc.RpcError, json_format.ParseError):
                exporter.export(exporter.create(request), f"v{version}-odd-{number}")


def upgrade_lively_rooms(exporter):
    """Every pair of versions, with rooms in which a lot has happened, and goes on happening
    in the new room. Their join rules are now this one, now that."""
    club = traffic.make_club(exporter.client)
    for old in rooms.VERSIONS:
        rules = traffic.join_rules(old)
        for number, new in enumerate(rooms.VERSIONS):
            room = traffic.make_lively_room(exporter.client, old, rules[number % len(rules)], club)
            successor = exporter.upgrade(room, new)
            traffic.go_on(exporter.client, successor, new)
            exporter.export(room, f"from-{old}-to-{new}-old")
            exporter.export(successor, f"from-{old}-to-{new}-new")


def upgrade_rich_rooms(exporter):
    """Rooms with state of every kind, that come a long way."""
    for preset in ("PRIVATE", "TRUSTED_PRIVATE", "PUBLIC"):
        room = exporter.create(rooms.rich(CHAIN[0], f"#chain-{preset.lower()}:example.org",
                                          preset=f"ROOM_PRESET_{preset}_CHAT"))
        for step, version in enumerate(CHAIN[1:]):
            successor = exporter.upgrade(room, version)
            exporter.export(room, f"chain-{preset}-{step}")
            room = successor
        exporter.export(room, f"chain-{preset}-end")


def run_judges(python, directory):
    """Returns whether all exports in `directory` are accepted."""
    exports = sorted(str(path) for path in pathlib.Path(directory).glob("*.json"))
    judges = [subprocess.Popen([python, "-B", TESTS / "judge" / "judge.py", *exports[n::JUDGES]],
                               stdout=subprocess.PIPE, text=True) for n in range(JUDGES)]
    verdicts = [line for judge in judges for line in judge.communicate()[0].splitlines()]
    for verdict in verdicts:
        if not verdict.startswith("accepted "):
            print(verdict)
    accepted = sum(verdict.startswith("accepted ") for verdict in verdicts)
    print(f"{accepted} of {len(exports)} rooms accepted")
    return all(judge.returncode == 0 for judge in judges) and accepted == len(exports) > 0


def run_forgeries(python, key, directory):
    """Returns whether all that is forged is refused, in rooms of `directory`: plain ones, and
    lively ones."""
    tests = {"forgery_test.py": "v{0}-0.json", "mutation_test.py": "from-{0}-to-{0}-old.json"}
    forgers = [subprocess.Popen(
        [python, "-B", TESTS / "judge" / test, key,
         *(pathlib.Path(directory, name.format(version)) for version in rooms.VERSIONS)])
               for test, name in tests.items()]
    return not any([forger.wait() for forger in forgers])


def main():
    server, proto_dir, google_rpc_dir = sys.argv[1:4]
    python = synapse()
    with tempfile.TemporaryDirectory() as out, tempfile.TemporaryDirectory() as directory:
        key = pathlib.Path(directory, "example.org.signing.key")
        make_key(python, key)
        with running_server(server, f"--signing_key_file={key}", "--rate_limits=off") as address:
            client = Client(address, proto_dir, google_rpc_dir, out)
            exporter = Exporter(directory, client)
            make_rooms(exporter)
            upgrade_lively_rooms(exporter)
            upgrade_rich_rooms(exporter)
            client.close()
        print(f"{exporter.count} rooms exported", flush=True)
        good = run_judges(python, directory)
        good = run_forgeries(python, key, directory) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
