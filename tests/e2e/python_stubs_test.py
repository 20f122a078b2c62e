#!/usr/bin/python3
"""Drives a server through Python stubs, generated here from the .proto files.

Usage: python_stubs_test.py INNKEEPER_SERVER PROTO_DIR GOOGLE_RPC_PROTO_DIR
"""

import sys
import tempfile
import unittest

from python_stubs import generate, load
from running_server import ALICE, TOKEN, running_server, skip

try:
    import grpc
    from google.protobuf import json_format
except ImportError as error:
    skip(f"{error}; install python3-grpcio and python3-protobuf")

DEADLINE = 60  # seconds; no call should take so long
METADATA = [("authorization", "Bearer " + TOKEN)]


class PythonStubsTest(unittest.TestCase):
    """Tests share a server."""

    channel = None
    modules = None

    def setUp(self):
        self.room, self.api, grpc_api, self.details, self.status = self.modules
        self.stub = grpc_api.RoomLifecycleStub(self.channel)

    def call(self, method, request, metadata=METADATA):
        return getattr(self.stub, method)(request, metadata=metadata, timeout=DEADLINE)

    def error(self, method, request, metadata=METADATA):
        """Makes a call that must fail. Returns its code and its details by type."""
        with self.assertRaises(grpc.RpcError) as raised:
            self.call(method, request, metadata)
        packed = dict(raised.exception.trailing_metadata())["grpc-status-details-bin"]
        status = self.status.Status.FromString(packed)
        details = {}
        for detail in status.details:
            name = detail.TypeName().split(".")[-1]
            details[name] = getattr(self.details, name)()
            self.assertTrue(detail.Unpack(details[name]))
        return raised.exception.code(), details

    def create(self, **fields):
        return self.call("CreateRoom", self.api.CreateRoomRequest(creator=ALICE, **fields)).room

    def test_a_room_is_created_read_and_upgraded(self):
        request = self.api.CreateRoomRequest(
            creator=ALICE, name="Lobby", alias="#python:example.org",
            preset=self.room.ROOM_PRESET_PUBLIC_CHAT, is_public=True)
        event = request.initial_state.add(type="org.example.colour", state_key="wall")
        event.content.update({"colour": "red", "layers": [1, 2, {"gloss": True}]})
        room = self.call("CreateRoom", request).room
        self.assertEqual(room.status, self.room.ROOM_STATUS_ACTIVE)
        self.assertEqual(room.room_version, "11")
        self.assertEqual(self.call("GetRoom", self.api.GetRoomRequest(room_id=room.room_id)).room,
                         room)

        state = self.call("GetRoomState", self.api.GetRoomStateRequest(
            room_id=room.room_id, type="org.example.colour", state_key="wall"))
        self.assertEqual(json_format.MessageToDict(state.events[0].content),
                         {"colour": "red", "layers": [1, 2, {"gloss": True}]})

        upgraded = self.call("UpgradeRoom", self.api.UpgradeRoomRequest(
            room_id=room.room_id, requester=ALICE, new_version="12"))
        self.assertEqual(upgraded.old_room.status, self.room.ROOM_STATUS_TOMBSTONED)
        self.assertEqual(list(upgraded.moved_aliases), ["#python:example.org"])
        self.assertTrue(upgraded.room.is_public)
        listed = self.call("ListRooms", self.api.ListRoomsRequest(
            requester=ALICE, status=self.room.ROOM_STATUS_TOMBSTONED))
        self.assertIn(upgraded.old_room, listed.rooms)

    def test_errors_carry_their_details(self):
        code, details = self.error("CreateRoom", self.api.CreateRoomRequest(
            creator=ALICE, name=" ", invites=[ALICE, "bob"]))
        self.assertEqual(code, grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(details["ErrorInfo"].reason, "INVALID_REQUEST")
        self.assertEqual(details["ErrorInfo"].domain, "innkeeper")
        self.assertEqual([violation.field for violation in details["BadRequest"].field_violations],
                         ["name", "invites[0]", "invites[1]"])

        code, details = self.error("GetRoom", self.api.GetRoomRequest(room_id="!no:example.org"))
        self.assertEqual(code, grpc.StatusCode.NOT_FOUND)
        self.assertEqual(details["ResourceInfo"].resource_name, "!no:example.org")

        code, details = self.error("ListRooms", self.api.ListRoomsRequest(), metadata=[])
        self.assertEqual(code, grpc.StatusCode.UNAUTHENTICATED)
        self.assertEqual(details["ErrorInfo"].reason, "CREDENTIALS_INVALID")

    def test_a_stream_resumes_where_it_ended(self):
        watch = self.call("WatchRoomEvents", self.api.WatchRoomEventsRequest())
        self.assertEqual(next(watch).WhichOneof("message"), "confirmed")
        self.assertEqual(next(watch).WhichOneof("message"), "caught_up")
        first = self.create()
        batch = next(watch).events
        self.assertEqual([event.room_id for event in batch.events], [first.room_id])
        self.assertEqual(batch.events[0].room_created.creator_id, ALICE)
        watch.cancel()

        second = self.create()
        watch = self.call("WatchRoomEvents",
                          self.api.WatchRoomEventsRequest(after_cursor=batch.cursor))
        self.assertEqual(next(watch).confirmed.start_sequence, batch.events[0].sequence + 1)
        self.assertEqual([event.room_id for event in next(watch).events.events], [second.room_id])
        watch.cancel()

        page = self.call("ListRoomEvents",
                         self.api.ListRoomEventsRequest(after_cursor=batch.cursor))
        self.assertEqual([event.room_id for event in page.events], [second.room_id])
        self.assertFalse(page.has_more)


def main():
    server, proto_dir, google_rpc_dir = sys.argv[1:4]
    del sys.argv[1:4]
    with tempfile.TemporaryDirectory() as out:
        generate(proto_dir, google_rpc_dir, out)
        PythonStubsTest.modules = load(
            out, "innkeeper.v1.room_pb2", "innkeeper.v1.room_lifecycle_pb2",
            "innkeeper.v1.room_lifecycle_pb2_grpc", "google.rpc.error_details_pb2",
            "google.rpc.status_pb2")
        with running_server(server) as address:
            with grpc.insecure_channel(address) as channel:
                PythonStubsTest.channel = channel
                ended_well = unittest.main(exit=False).result.wasSuccessful()
    sys.exit(0 if ended_well else 1)


if __name__ == "__main__":
    main()
