#!/usr/bin/python3
"""Drives a server with grpcurl: by reflection, in plain JSON.

By reflection from C++, grpcurl knows fields by their names in the .proto files.

Usage: grpcurl_test.py INNKEEPER_SERVER
"""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from running_server import TOKEN, running_server, skip

SERVICE = "innkeeper.v1.RoomLifecycle"
DIRECTORY = "innkeeper.v1.RoomDirectory"
METHODS = [
    "CancelUpgrade",
    "CreateRoom",
    "DeleteRoom",
    "ExportRoom",
    "GetRoom",
    "GetRoomState",
    "ImportRoom",
    "LinkUpgrade",
    "ListRoomEvents",
    "ListRooms",
    "UpgradeRoom",
    "WatchRoomEvents",
]


class Grpcurl:
    """Runs grpcurl against one server."""

    def __init__(self, program, address):
        self._program = program
        self._address = address

    def _arguments(self, options, *arguments):
        header = "authorization: Bearer ${TOKEN}"
        return [self._program, "-plaintext", "-expand-headers", "-H", header, *options,
                self._address, *arguments]

    def run(self, *arguments, options=(), stdin=None):
        """Returns what grpcurl prints, and its errors; it must take under a minute."""
        result = subprocess.run(self._arguments(options, *arguments), capture_output=True,
                                input=stdin, text=True, timeout=60,
                                env=dict(os.environ, TOKEN=TOKEN))
        return result.returncode, result.stdout, result.stderr

    def call(self, method, request, service=SERVICE):
        """Calls a method that must succeed; returns its response."""
        code, output, errors = self.run(service + "/" + method, options=["-d", json.dumps(request)])
        assert code == 0, errors
        return json.loads(output)

    def error(self, method, request):
        """Calls a method that must fail; returns its google.rpc.Status."""
        code, output, errors = self.run(
            SERVICE + "/" + method, options=["-format-error", "-d", json.dumps(request)])
        assert code != 0, output
        return json.loads(errors)

    def stream(self, method, request):
        """Starts a call and returns its process; its messages come on stdout."""
        return subprocess.Popen(
            self._arguments(["-d", json.dumps(request)], SERVICE + "/" + method),
            stdout=subprocess.PIPE, text=True, env=dict(os.environ, TOKEN=TOKEN))


def messages(stream):
    """The JSON objects that grpcurl prints one after the other, as they come."""
    text = ""
    for line in stream:
        text += line
        if line == "}\n":
            yield json.loads(text)
            text = ""


class GrpcurlTest(unittest.TestCase):
    """Tests share a server, and another for what they take elsewhere."""

    grpcurl = None
    elsewhere = None

    def setUp(self):
        self.alice = "@" + self._testMethodName.lower() + ":example.org"

    def create(self, **request):
        return self.grpcurl.call("CreateRoom", {"creator": self.alice, **request})["room"]

    def test_reflection_lists_and_describes_the_service(self):
        _, services, _ = self.grpcurl.run("list")
        self.assertIn(SERVICE, services.splitlines())
        self.assertIn(DIRECTORY, services.splitlines())
        self.assertIn("grpc.health.v1.Health", services.splitlines())
        _, methods, _ = self.grpcurl.run("list", SERVICE)
        self.assertEqual(sorted(methods.split()), [SERVICE + "." + method for method in METHODS])
        _, description, _ = self.grpcurl.run("describe", SERVICE + ".WatchRoomEvents")
        self.assertIn("returns ( stream .innkeeper.v1.WatchRoomEventsResponse )", description)
        code, description, errors = self.grpcurl.run("describe", "innkeeper.v1.CreateRoomRequest")
        self.assertEqual(code, 0, errors)
        self.assertIn("google.protobuf.Struct power_level_content_override = 7", description)

    def test_what_is_said_in_a_room_is_listed_and_taken_back(self):
        def call(method, **request):
            return self.grpcurl.call(
                method, {"room_id": room_id, "requester": self.alice, **request},
                "innkeeper.v1.RoomState")

        room_id = self.create()["room_id"]
        content = {"msgtype": "m.text", "body": "Hello", "n": [1, {"x": None}]}
        sent = call("SendEvent", type="m.room.message", content=content)["event"]
        topic = call("SetState", type="m.room.topic", content={"topic": "All sorts"})
        self.assertTrue(topic["changed"])
        latest = call("ListEvents", page_size=2)
        self.assertEqual([event["event_id"] for event in latest["events"]],
                         [topic["event"]["event_id"], sent["event_id"]])
        self.assertEqual(latest["events"][0]["state_key"], "")
        self.assertEqual(latest["events"][1]["content"], content)
        redaction = call("RedactEvent", event_id=sent["event_id"], reason="hush")["event"]
        redacted = call("GetEvent", event_id=sent["event_id"])["event"]
        self.assertEqual(redacted["content"], {})
        self.assertEqual(redacted["redacted_by"], redaction["event_id"])

    def test_a_room_is_created_read_and_upgraded(self):
        room = self.create(
            name="Lobby",
            alias="#grpcurl:example.org",
            invites=["@bob:example.org"],
            encryption_algorithm="m.megolm.v1.aes-sha2",
            initial_state=[{"type": "org.example.colour", "content": {"colour": "red", "n": 3}}],
            power_level_content_override={"ban": 60},
        )
        self.assertEqual(room["status"], "ROOM_STATUS_ACTIVE")
        self.assertEqual(room["preset"], "ROOM_PRESET_PRIVATE_CHAT")
        self.assertEqual(room["joined_member_count"], "1")
        self.assertEqual(self.grpcurl.call("GetRoom", {"room_id": room["room_id"]})["room"], room)

        state = self.grpcurl.call(
            "GetRoomState", {"room_id": room["room_id"], "type": "org.example.colour"})
        self.assertEqual(state["events"][0]["content"], {"colour": "red", "n": 3})
        levels = self.grpcurl.call(
            "GetRoomState",
            {"room_id": room["room_id"], "type": "m.room.power_levels", "state_key": ""})
        self.assertEqual(levels["events"][0]["content"]["ban"], 60)

        upgraded = self.grpcurl.call(
            "UpgradeRoom",
            {"room_id": room["room_id"], "requester": self.alice, "new_version": "12"})
        self.assertEqual(upgraded["moved_aliases"], ["#grpcurl:example.org"])
        self.assertEqual(upgraded["old_room"]["status"], "ROOM_STATUS_TOMBSTONED")
        self.assertEqual(upgraded["old_room"]["successor_room_id"], upgraded["room"]["room_id"])
        rooms = self.grpcurl.call("ListRooms", {"requester": self.alice})["rooms"]
        self.assertEqual({listed["room_id"] for listed in rooms},
                         {room["room_id"], upgraded["room"]["room_id"]})

        events = self.grpcurl.call(
            "ListRoomEvents",
            {"filter": {"room_ids": [room["room_id"], upgraded["room"]["room_id"]]}})["events"]
        self.assertEqual([event["type"] for event in events],
                         ["room.created", "room.created", "room.upgraded"])
        self.assertEqual(events[2]["room_upgraded"]["new_version"], "12")

    def test_a_room_is_exported(self):
        room = self.create(invites=["@bob:example.org"], room_version="10")
        code, output, errors = self.grpcurl.run(
            SERVICE + "/ExportRoom", options=["-d", json.dumps({"room_id": room["room_id"]})])
        self.assertEqual(code, 0, errors)
        header, *batches = messages(output.splitlines(keepends=True))
        header = header["header"]
        self.assertEqual(header["room_id"], room["room_id"])
        self.assertEqual(header["room_version"], "10")
        key = header["verify_keys"][0]
        self.assertEqual(key["server_name"], "example.org")
        pdus = [json.loads(pdu) for batch in batches for pdu in batch["events"]["pdus"]]
        self.assertEqual(str(len(pdus)), header["event_count"])
        self.assertEqual([pdu["depth"] for pdu in pdus], list(range(1, len(pdus) + 1)))
        self.assertEqual(pdus[0]["type"], "m.room.create")
        self.assertEqual(pdus[-1]["content"]["membership"], "invite")
        for pdu in pdus:
            self.assertEqual(list(pdu["signatures"]["example.org"]), [key["key_id"]])

    def test_an_export_is_imported_as_it_is(self):
        room = self.create(name="Lobby", invites=["@bob:example.org"], room_version="12")
        _, export, _ = self.grpcurl.run(
            SERVICE + "/ExportRoom", options=["-d", json.dumps({"room_id": room["room_id"]})])
        code, output, errors = self.elsewhere.run(
            SERVICE + "/ImportRoom", options=["-d", "@"], stdin=export)
        self.assertEqual(code, 0, errors)
        imported = json.loads(output)
        self.assertEqual(imported["room"]["name"], "Lobby")
        self.assertNotIn("refused_events", imported)
        self.assertNotIn("unverified_servers", imported)
        self.assertEqual(self.elsewhere.call("GetRoom", {"room_id": room["room_id"]}),
                         {"room": imported["room"]})
        code, _, errors = self.elsewhere.run(
            SERVICE + "/ImportRoom", options=["-format-error", "-d", "@"], stdin=export)
        self.assertNotEqual(code, 0)
        self.assertIn("ROOM_EXISTS", errors)

    def test_a_room_is_found_by_alias_and_on_the_list_of_public_rooms(self):
        room_id = self.create(name="A room to be found")["room_id"]
        alias = "#" + self._testMethodName + ":example.org"
        by_alice = {"requester": self.alice}
        self.grpcurl.call("SetAlias", {"alias": alias, "room_id": room_id, **by_alice}, DIRECTORY)
        self.assertEqual(self.grpcurl.call("ResolveAlias", {"alias": alias}, DIRECTORY),
                         {"room_id": room_id})
        self.assertEqual(
            self.grpcurl.call("ListAliases", {"room_id": room_id, **by_alice}, DIRECTORY),
            {"aliases": [alias]})
        listed = self.grpcurl.call(
            "SetVisibility", {"room_id": room_id, "is_public": True, **by_alice}, DIRECTORY)
        self.assertTrue(listed["room"]["is_public"])
        found = self.grpcurl.call("ListPublicRooms", {"search": "TO BE FOUND"}, DIRECTORY)["rooms"]
        self.assertEqual([(room["room_id"], room["joined_member_count"]) for room in found],
                         [(room_id, "1")])
        self.assertEqual(
            self.grpcurl.call("DeleteAlias", {"alias": alias, **by_alice}, DIRECTORY),
            {"room_id": room_id})

    def test_errors_say_what_is_wrong(self):
        error = self.grpcurl.error(
            "CreateRoom",
            {"creator": self.alice, "name": "  ",
             "initial_state": [{"type": "org.example.x", "content": {"n": 1.5}}]})
        self.assertEqual(error["code"], 3)
        details = {detail["@type"].split(".")[-1]: detail for detail in error["details"]}
        self.assertEqual(details["ErrorInfo"]["reason"], "INVALID_REQUEST")
        self.assertEqual(details["ErrorInfo"]["domain"], "innkeeper")
        self.assertEqual(
            [violation["field"] for violation in details["BadRequest"]["field_violations"]],
            ["initial_state[0].content.n", "name"])

    def test_events_arrive_as_they_happen(self):
        watch = self.grpcurl.stream("WatchRoomEvents", {"filter": {"types": ["room.created"]}})
        try:
            arriving = messages(watch.stdout)
            self.assertIn("confirmed", next(arriving))
            self.assertIn("caught_up", next(arriving))
            room = self.create()
            event = next(arriving)["events"]["events"][0]
            self.assertEqual(event["room_id"], room["room_id"])
            self.assertEqual(event["room_created"]["creator_id"], self.alice)
        finally:
            watch.kill()
            watch.wait()
            watch.stdout.close()


def main():
    server = sys.argv.pop(1)
    tools = pathlib.Path(__file__).resolve().parent.parent / "tools"
    found = subprocess.run([tools / "grpcurl.sh"], stdout=subprocess.PIPE, text=True, check=False)
    path = found.stdout.strip().splitlines()[-1]
    if found.returncode == 77:
        skip(path)
    if found.returncode != 0:
        sys.exit("grpcurl.sh failed: " + found.stdout)
    with running_server(server, "--reflection") as address, \
            running_server(server, "--reflection") as other_address:
        GrpcurlTest.grpcurl = Grpcurl(path, address)
        GrpcurlTest.elsewhere = Grpcurl(path, other_address)
        ended_well = unittest.main(exit=False).result.wasSuccessful()
    sys.exit(0 if ended_well else 1)


if __name__ == "__main__":
    main()
