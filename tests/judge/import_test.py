#!/usr/bin/python3
"""Has rooms of every version and kind taken over by a second server: what that exports must be
what it was given, to the byte, and what it goes on to write must be accepted by Synapse's code.

Usage: import_test.py INNKEEPER_SERVER PROTO_DIR GOOGLE_RPC_PROTO_DIR
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
UPGRADED_SHARE = 5  # one of so many rooms is upgraded where it was imported


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


class Server:
    """Calls to one server."""

    def __init__(self, address, api, stubs):
        self._stub = stubs.RoomLifecycleStub(grpc.insecure_channel(address))
        self._api = api

    def _call(self, method, message):
        return getattr(self._stub, method)(message, metadata=METADATA, timeout=DEADLINE)

    def create(self, request):
        """Returns the id of a new room; None if an oddity is refused, by the client's library
        or by the server."""
        with contextlib.suppress(grpc.RpcError, json_format.ParseError):
            message = json_format.ParseDict(request, self._api.CreateRoomRequest())
            return self._call("CreateRoom", message).room.room_id

    def upgrade(self, room_id, version):
        """Returns the id of the successor; None if the room is too odd to have one."""
        request = self._api.UpgradeRoomRequest(room_id=room_id, requester=rooms.ALICE,
                                               new_version=version)
        with contextlib.suppress(grpc.RpcError):
            return self._call("UpgradeRoom", request).room.room_id

    def export(self, room_id):
        return list(self._call("ExportRoom", self._api.ExportRoomRequest(room_id=room_id)))

    def import_room(self, export):
        """Returns what an import of the messages of an export came to."""
        requests = (json_format.ParseDict(json_format.MessageToDict(message),
                                          self._api.ImportRoomRequest()) for message in export)
        return self._call("ImportRoom", requests)


def write_export(directory, name, export):
    """Writes a file as grpcurl would."""
    text = "\n".join(json_format.MessageToJson(message, preserving_proto_field_name=True)
                     for message in export)
    pathlib.Path(directory, name + ".json").write_text(text, encoding="utf-8")


def take_over(origin, heir, room_id):
    """Returns what is wrong with the room once `heir` has imported it; "" if nothing is."""
    export = origin.export(room_id)
    imported = heir.import_room(export)
    if imported.refused_event_count or imported.unverified_servers:
        return str(imported)
    return "" if heir.export(room_id) == export else "the export has changed"


def make_rooms(origin, heir, directory):
    """Returns how many rooms were taken over, and how many of them wrongly."""
    count = wrong = 0
    for version in rooms.VERSIONS:
        for request in [*rooms.creations(version), *rooms.oddities(version)]:
            room_id = origin.create(request)
            if room_id is None:
                continue
            count += 1
            complaint = take_over(origin, heir, room_id)
            if complaint:
                wrong += 1
                print(f"{request}: {complaint}")
            if count % UPGRADED_SHARE:
                continue
            successor = heir.upgrade(room_id, rooms.VERSIONS[count % len(rooms.VERSIONS)])
            if successor is not None:
                write_export(directory, f"{count}-old", heir.export(room_id))
                write_export(directory, f"{count}-new", heir.export(successor))
    return count, wrong


def main():
    server, proto_dir, google_rpc_dir = sys.argv[1:4]
    python = synapse()
    with tempfile.TemporaryDirectory() as out, tempfile.TemporaryDirectory() as directory:
        generate(proto_dir, google_rpc_dir, out)
        api, stubs = load(out, "innkeeper.v1.room_lifecycle_pb2",
                          "innkeeper.v1.room_lifecycle_pb2_grpc")
        # With one key for both, every event is signed alike.
        key = pathlib.Path(out, "signing.key")
        subprocess.run([pathlib.Path(python).parent / "generate_signing_key", "-o", key],
                       check=True)
        key.chmod(0o600)
        flags = [f"--signing_key_file={key}", "--room_creation_rate=1000000",
                 "--room_creation_burst=1000000"]
        with running_server(server, *flags) as origin, running_server(server, *flags) as heir:
            count, wrong = make_rooms(Server(origin, api, stubs), Server(heir, api, stubs),
                                      directory)
        print(f"{count - wrong} of {count} rooms taken over as they were", flush=True)
        exports = sorted(pathlib.Path(directory).iterdir())
        judged = subprocess.run([python, "-B", TESTS / "judge" / "judge.py", *exports],
                                stdout=subprocess.PIPE, text=True, check=False)
    refusals = [line for line in judged.stdout.splitlines() if not line.startswith("accepted ")]
    for refusal in refusals:
        print(refusal)
    print(f"{len(exports) - len(refusals)} of {len(exports)} continued rooms accepted")
    sys.exit(0 if count and exports and not wrong and judged.returncode == 0 else 1)


if __name__ == "__main__":
    main()
