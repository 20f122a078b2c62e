"""Sees to it that the judge refuses what is forged, so that its "accepted" means something.

Usage: forgery_test.py SIGNING_KEY_FILE EXPORT...

The exports are of rooms that @alice:example.org made with nothing special, signed with the
key in the file. What is forged is hashed and signed with it like the rest, where it isn't
hash or signature that is wrong.
"""

import copy
import hashlib
import json
import sys
import unittest

from canonicaljson import encode_canonical_json
from signedjson.key import generate_signing_key, read_signing_keys
from synapse.crypto.event_signing import compute_content_hash
from unpaddedbase64 import encode_base64

from forger import ALICE, BOB, CAROL, SERVER, Forger, json_copy
from judge import Refused, judge, read_export


class ForgeryTest(unittest.TestCase):
    """There are subclasses for each export, made by load_tests()."""

    export = None
    key = None

    def setUp(self):
        self.header, self.pdus = copy.deepcopy(self.export)

    def refuses_room(self, pdus, reason):
        with self.assertRaisesRegex(Refused, reason):
            judge(self.header, pdus)


class WrittenDifferently(ForgeryTest):
    """What the holder of an export can do to it."""

    def altered(self, number, **changes):
        pdu = json.loads(self.pdus[number])
        pdu.update(changes)
        return [*self.pdus[:number], encode_canonical_json(pdu).decode(), *self.pdus[number + 1:]]

    @property
    def guest_access(self):
        """The place of an event whose content nothing depends on."""
        return next(number for number, pdu in enumerate(self.pdus)
                    if json.loads(pdu)["type"] == "m.room.guest_access")

    def test_as_it_is(self):
        judge(self.header, self.pdus)

    def test_content(self):
        # Not protected from redaction, so that only the content hash shows it.
        self.refuses_room(self.altered(self.guest_access, content={"guest_access": "x"}),
                          "content hash does not match")
        self.refuses_room(self.altered(1, content={"membership": "leave"}), "verify signature")

    def test_content_that_was_taken_away(self):
        gone = self.altered(self.guest_access, content={})
        self.refuses_room(gone, "nobody redacted the event")
        forger = Forger(self.header, self.pdus, self.key)
        target, other = (forger.room.state[event_type, ""].event_id
                         for event_type in ("m.room.guest_access", "m.room.join_rules"))
        self.header["event_count"] = len(self.pdus) + 1
        judge(self.header, [*gone, forger.redaction(ALICE, target)])
        self.refuses_room([*gone, forger.redaction(ALICE, other)],
                          "nobody redacted the event")
        self.refuses_room([*self.pdus, forger.redaction(ALICE, target)], "all its content")
        self.refuses_room([*gone, forger.redaction(ALICE, "$unknown:example.org")],
                          "an unknown event was redacted")

    def test_what_is_signed(self):
        for changes in ({"origin_server_ts": 1}, {"depth": 7}, {"sender": BOB},
                        {"unknown": 1}, {"type": "org.example.x"},
                        {"hashes": {"sha256": encode_base64(b"x" * 32)}}):
            self.refuses_room(self.altered(3, **changes), "content hash|verify signature")

    def test_content_with_its_hash(self):
        pdu = json.loads(self.pdus[3])
        pdu["content"]["x"] = 1
        _, digest = compute_content_hash(pdu, hashlib.sha256)
        hashes = {"sha256": encode_base64(digest)}
        self.refuses_room(self.altered(3, content=pdu["content"], hashes=hashes),
                          "verify signature")

    def test_signatures(self):
        pdu = json.loads(self.pdus[3])
        ((key_id, signature),) = pdu["signatures"][SERVER].items()
        for signatures in ({}, {"elsewhere.net": pdu["signatures"][SERVER]},
                           {SERVER: {"ed25519:other": signature}}):
            self.refuses_room(self.altered(3, signatures=signatures),
                              "[Ss]ignature|not signed")
        wrong = {SERVER: {key_id: json.loads(self.pdus[2])["signatures"][SERVER][key_id]}}
        self.refuses_room(self.altered(3, signatures=wrong), "verify signature")

    def test_keys(self):
        other = generate_signing_key("x").verify_key.encode()
        self.header["verify_keys"][0]["public_key"] = encode_base64(other)
        self.refuses_room(self.pdus, "event 1: .*verify signature")
        self.header["verify_keys"] = []
        self.refuses_room(self.pdus, "event 1: .*no signature")

    def test_order(self):
        swapped = [*self.pdus[:4], self.pdus[5], self.pdus[4], *self.pdus[6:]]
        self.refuses_room(swapped, "not behind the event before it")
        self.refuses_room(self.pdus[:-1], "not as many events")
        self.header["event_count"] = len(self.pdus) - 1
        self.refuses_room([*self.pdus[:4], *self.pdus[5:]], "not behind the event before it")
        self.refuses_room(self.pdus[1:], "event 1: ")
        self.header["event_count"] = len(self.pdus) + 1
        self.refuses_room([*self.pdus, self.pdus[-1]], "there twice")

    def test_form(self):
        spaced = json.dumps(json.loads(self.pdus[0]))
        self.refuses_room([spaced, *self.pdus[1:]], "not canonical")

    def test_another_room_or_version(self):
        room_id = self.header["room_id"]
        self.header["room_id"] = "!other:example.org"
        self.refuses_room(self.pdus, "event 1: in another room")
        self.header["room_id"] = room_id
        # The one that differs most.
        self.header["room_version"] = "12" if int(self.header["room_version"]) < 8 else "1"
        self.refuses_room(self.pdus, "event 1: ")


class Unauthorised(ForgeryTest):
    """Events that the server's own key signs, and the room's rules forbid."""

    def setUp(self):
        super().setUp()
        self.forger = Forger(self.header, self.pdus, self.key)
        self.version = self.forger.room.version
        self.state = self.forger.room.state

    def accepts(self, text):
        self.forger.room.accept(text)

    def refuses(self, text, reason):
        """The room must be as before, so that something else can be tried."""
        last = self.forger.room.last
        with self.assertRaisesRegex(Exception, reason):
            self.forger.room.accept(text)
        self.assertIs(self.forger.room.last, last)

    def test_who_is_not_in_the_room(self):
        self.refuses(self.forger.message(BOB), "not in room")
        self.refuses(self.forger.member(BOB, BOB, "join"), "not invited")
        self.refuses(self.forger.member(BOB, CAROL, "invite"), "not in room")
        self.refuses(self.forger.member(ALICE, BOB, "join"), "force another user")
        self.accepts(self.forger.member(ALICE, BOB, "invite"))
        self.refuses(self.forger.message(BOB), "not in room")
        self.accepts(self.forger.member(BOB, BOB, "join"))
        self.accepts(self.forger.message(BOB))

    def test_who_is_banned(self):
        self.forger.have(BOB)
        self.accepts(self.forger.member(ALICE, BOB, "ban"))
        self.refuses(self.forger.message(BOB), "not in room")
        self.refuses(self.forger.member(BOB, BOB, "join"), "banned")
        self.refuses(self.forger.member(BOB, BOB, "leave"), "not in room|cannot unban")
        self.refuses(self.forger.member(ALICE, BOB, "invite"), "banned")
        self.accepts(self.forger.member(ALICE, BOB, "leave"))
        self.accepts(self.forger.member(ALICE, BOB, "invite"))

    def test_who_has_too_little_power(self):
        self.forger.have(BOB, CAROL)
        name = {"name": "x"}
        self.refuses(self.forger.event(BOB, "m.room.name", name, ""), "permission to post")
        self.refuses(self.forger.member(BOB, CAROL, "leave"), "cannot kick")
        self.refuses(self.forger.member(BOB, CAROL, "ban"), "permission to ban")
        self.refuses(self.forger.event(BOB, "m.room.tombstone", {
            "body": "", "replacement_room": "!x:example.org"}, ""), "permission to post")
        self.accepts(self.forger.event(ALICE, "m.room.name", name, ""))
        self.accepts(self.forger.member(ALICE, CAROL, "leave"))

    def test_who_gives_more_power_than_they_have(self):
        self.forger.have(BOB, CAROL)
        users = dict(self.state["m.room.power_levels", ""].content["users"])
        events = {"m.room.power_levels": 50}
        self.accepts(self.forger.levels(ALICE, users={**users, BOB: 50}, events=events))
        reason = "permission to"
        self.refuses(self.forger.levels(BOB, users={**users, BOB: 100}, events=events),
                     reason)
        self.refuses(self.forger.levels(
            BOB, users={**users, BOB: 50, CAROL: 51}, events=events), reason)
        self.refuses(self.forger.levels(BOB, ban=51), reason)
        self.refuses(self.forger.levels(BOB, events={"m.room.power_levels": 60}), reason)
        self.accepts(self.forger.levels(BOB, users={**users, BOB: 50, CAROL: 50}))
        self.refuses(self.forger.levels(BOB, users={**users, BOB: 50, CAROL: 0}), reason)

    def test_levels_of_the_wrong_kind(self):
        if self.version.strict_canonicaljson:
            self.refuses(self.forger.levels(ALICE, ban=2**53), "out of range")
        self.refuses(self.forger.levels(ALICE, ban="50"), "not of type 'integer'")
        self.refuses(self.forger.levels(ALICE, users={"alice": 100}), "valid user_id")
        if self.version.msc4289_creator_power_enabled:
            self.refuses(self.forger.levels(ALICE, users={ALICE: 100}), "[Cc]reator")

    def test_state_that_belongs_to_a_user(self):
        self.refuses(self.forger.event(ALICE, "org.example.x", {}, BOB), "state")
        self.accepts(self.forger.event(ALICE, "org.example.x", {}, ALICE))

    def test_users_of_servers_that_have_not_signed(self):
        self.refuses(self.forger.message("@dave:elsewhere.net"), "[Ss]igned|signature")

    def test_a_second_beginning(self):
        create = self.state["m.room.create", ""]
        self.refuses(self.forger.event(
            ALICE, "m.room.create", json_copy(create.content), ""),
                     "has prev events|Invalid event JSON")

    def test_who_authorises(self):
        rules = self.state["m.room.join_rules", ""]
        message = ("m.room.message", {"msgtype": "m.text", "body": "x"})
        self.refuses(self.forger.event(ALICE, *message, more_auth=[rules]),
                     "unexpected auth_event")
        member = self.state["m.room.member", ALICE]
        self.refuses(self.forger.event(ALICE, *message, more_auth=[member]), "duplicate")
        self.refuses(self.forger.event(ALICE, *message, less_auth=["m.room.member"]),
                     "not in room")
        self.refuses(self.forger.event(ALICE, *message, less_auth=["m.room.power_levels"]),
                     "other events than Synapse would choose")
        create = self.state["m.room.create", ""]
        if self.version.msc4291_room_ids_as_hashes:
            self.refuses(self.forger.event(ALICE, *message, more_auth=[create]),
                         "must not contain the create event")
        else:
            self.refuses(self.forger.event(ALICE, *message, less_auth=["m.room.create"]),
                         "[Cc]reate event")

    def test_the_place_in_the_room(self):
        for depth in (self.forger.room.last.depth, self.forger.room.last.depth + 2):
            self.refuses(self.forger.event(ALICE, "x", {}, depth=depth), "depth")
        self.refuses(self.forger.event(ALICE, "x", {}, prev_events=[]), "not behind")
        self.refuses(self.forger.event(ALICE, "x", {}, room_id="!x:example.org"), "another room")

    def test_hashes_in_references(self):
        reference = self.forger.references([self.forger.room.last])[0]
        if isinstance(reference, str):
            self.skipTest("references have no hashes in this version")
        wrong = [[reference[0], {"sha256": encode_base64(b"x" * 32)}]]
        self.refuses(self.forger.event(ALICE, "x", {}, prev_events=wrong), "another hash")

    def test_too_large(self):
        self.refuses(self.forger.event(ALICE, "x", {"text": "x" * 66000}), "too large")
        self.refuses(self.forger.event(ALICE, "x" * 256, {}), "too large")
        self.refuses(self.forger.event(ALICE, "x", {}, "x" * 256), "too large")
        self.accepts(self.forger.event(ALICE, "x", {"text": "x" * 60000}, "x" * 255))


def cases(number, export):
    """The test classes for one export."""
    for kind in (WrittenDifferently, Unauthorised):
        yield type(f"{kind.__name__}{number}", (kind,), {"export": export})


def load_tests(loader, _tests, _pattern):
    suite = unittest.TestSuite()
    for path in PATHS:
        with open(path, encoding="utf-8") as file:
            export = read_export(file.read())
        for case in cases(export[0]["room_version"], export):
            suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    key_file, *PATHS = sys.argv[1:]
    with open(key_file, encoding="ascii") as lines:
        (ForgeryTest.key,) = read_signing_keys(lines)
    unittest.main(argv=sys.argv[:1])
