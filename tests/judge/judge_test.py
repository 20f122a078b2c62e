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

import rooms
from python_stubs import generate, load
from running_server import TOKEN, running_server, skip

try:
    import grpc
    from google.protobuf import json_format
except ImportError as error:
    skip(f"{error}; install python3-grpcio and python3-protobuf")

DEADLINE = 60  # seconds; no call should take so long
METADATA = [("authorization", "Bearer " + TOKEN)]
# Upgrades of one room, each to the version that follows.
CHAIN = ["1", "12", "2", "11", "3", "10", "4", "9", "5", "8", "6", "7", "7", "12", "12", "11"]


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


class Exporter:
    """Makes rooms and writes their exports into a directory."""

    def __init__(self, directory, api, stub):
        self._directory = directory
        self._api = api
        self._stub = stub
        self.count = 0

    def _call(self, method, message):
        return getattr(self._stub, method)(message, metadata=METADATA, timeout=DEADLINE)

    def create(self, request):
        """Returns the id of a new room."""
        message = json_format.ParseDict(request, self._api.CreateRoomRequest())
        return self._call("CreateRoom", message).room.room_id

    def upgrade(self, room_id, version):
        """Returns the id of the room's successor."""
        message = self._api.UpgradeRoomRequest(room_id=room_id, requester=rooms.ALICE,
                                               new_version=version)
        return self._call("UpgradeRoom", message).room.room_id

    def export(self, room_id, name):
        """Writes a file as grpcurl would."""
        messages = self._call("ExportRoom", self._api.ExportRoomRequest(room_id=room_id))
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


def upgrade_rooms(exporter):
    """Every pair of versions, and some rooms that come a long way."""
    for old in rooms.VERSIONS:
        for new in rooms.VERSIONS:
            room = exporter.create(rooms.rich(old, f"#from-{old}-to-{new}:example.org"))
            successor = exporter.upgrade(room, new)
            exporter.export(room, f"from-{old}-to-{new}-old")
            exporter.export(successor, f"from-{old}-to-{new}-new")
    for preset in ("PRIVATE", "TRUSTED_PRIVATE", "PUBLIC"):
        room = exporter.create(rooms.rich(CHAIN[0], f"#chain-{preset.lower()}:example.org",
                                          preset=f"ROOM_PRESET_{preset}_CHAT"))
        for step, version in enumerate(CHAIN[1:]):
            successor = exporter.upgrade(room, version)
            exporter.export(room, f"chain-{preset}-{step}")
            room = successor
        exporter.export(room, f"chain-{preset}-end")


def run_judge(python, directory):
    """Returns whether all exports in `directory` are accepted."""
    exports = sorted(str(path) for path in pathlib.Path(directory).glob("*.json"))
    judged = subprocess.run([python, "-B", TESTS / "judge" / "judge.py", *exports],
                            stdout=subprocess.PIPE, text=True, check=False)
    verdicts = judged.stdout.splitlines()
    for verdict in verdicts:
        if not verdict.startswith("accepted "):
            print(verdict)
    accepted = sum(verdict.startswith("accepted ") for verdict in verdicts)
    print(f"{accepted} of {len(exports)} rooms accepted")
    return judged.returncode == 0 and accepted == len(exports) > 0


def run_forgeries(python, key, directory):
    """Returns whether all forgeries of the plain rooms in `directory` are refused."""
    plain = [str(pathlib.Path(directory, f"v{version}-0.json")) for version in rooms.VERSIONS]
    forged = subprocess.run([python, "-B", TESTS / "judge" / "forgery_test.py", key, *plain],
                            check=False)
    return forged.returncode == 0


def main():
    server, proto_dir, google_rpc_dir = sys.argv[1:4]
    python = synapse()
    with tempfile.TemporaryDirectory() as out, tempfile.TemporaryDirectory() as directory:
        generate(proto_dir, google_rpc_dir, out)
        api, grpc_api = load(out, "innkeeper.v1.room_lifecycle_pb2",
                             "innkeeper.v1.room_lifecycle_pb2_grpc")
        key = pathlib.Path(directory, "example.org.signing.key")
        subprocess.run([pathlib.Path(python).parent / "generate_signing_key", "-o", key],
                       check=True)
        key.chmod(0o600)
        with running_server(server, f"--signing_key_file={key}", "--room_creation_rate=1000000",
                            "--room_creation_burst=1000000") as address:
            with grpc.insecure_channel(address) as channel:
                exporter = Exporter(directory, api, grpc_api.RoomLifecycleStub(channel))
                make_rooms(exporter)
                upgrade_rooms(exporter)
        print(f"{exporter.count} rooms exported", flush=True)
        good = run_judge(python, directory)
        good = run_forgeries(python, key, directory) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
