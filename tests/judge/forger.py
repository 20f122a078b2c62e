"""Makes events that were never in a room, hashed and signed as if they had been."""

import json
import types

from canonicaljson import encode_canonical_json
from synapse import event_auth
from synapse.api.room_versions import EventFormatVersions
from synapse.crypto.event_signing import add_hashes_and_signatures, compute_event_reference_hash
from unpaddedbase64 import encode_base64

from judge import Judge

SERVER = "example.org"
ALICE, BOB, CAROL = "@alice:example.org", "@bob:example.org", "@carol:example.org"


class Forger:
    """A room that goes on behind its export, by somebody who has the server's key."""

    def __init__(self, header, pdus, key):
        self.room = Judge(header)
        self._key = key
        for pdu in pdus:
            self.room.accept(pdu)

    @property
    def creator(self):
        return self.room.state["m.room.create", ""].sender

    def power(self, user):
        """The power level of a user, who may be without levels or above them."""
        return event_auth.get_user_power_level(user, self.room.state)

    def references(self, events):
        """How another event refers to these."""
        if self.room.version.event_format != EventFormatVersions.ROOM_V1_V2:
            return [event.event_id for event in events]
        return [[event.event_id,
                 {"sha256": encode_base64(compute_event_reference_hash(event)[1])}]
                for event in events]

    def auth_events(self, sender, event_type, content, state_key):
        """The events that should authorise such an event."""
        event = types.SimpleNamespace(sender=sender, type=event_type, content=content,
                                      state_key=state_key)
        chosen = self.room.auth_event_ids(event)
        return [event for event in self.room.state.values() if event.event_id in chosen and not (
            self.room.version.msc4291_room_ids_as_hashes and event.type == "m.room.create")]

    def event(self, sender, event_type, content, state_key=None, more_auth=(), less_auth=(),
              **changes):
        """Returns the text of an event that follows on the last one."""
        auth = [event for event in self.auth_events(sender, event_type, content, state_key)
                if event.type not in less_auth]
        pdu = {"type": event_type, "sender": sender, "content": content,
               "room_id": self.room.room_id, "depth": self.room.last.depth + 1,
               "origin_server_ts": 1700000000000,
               "prev_events": self.references([self.room.last]),
               "auth_events": self.references([*auth, *more_auth])}
        if state_key is not None:
            pdu["state_key"] = state_key
        if self.room.version.event_format == EventFormatVersions.ROOM_V1_V2:
            pdu["event_id"] = f"${self.room.last.depth}:{SERVER}"
        pdu.update(changes)
        add_hashes_and_signatures(self.room.version, pdu, SERVER, self._key)
        return encode_canonical_json(pdu).decode()

    def member(self, sender, user, membership, **content):
        return self.event(sender, "m.room.member", {"membership": membership, **content}, user)

    def message(self, sender):
        return self.event(sender, "m.room.message", {"msgtype": "m.text", "body": "hello"})

    def redaction(self, sender, target):
        if self.room.version.updated_redaction_rules:
            return self.event(sender, "m.room.redaction", {"redacts": target})
        return self.event(sender, "m.room.redaction", {}, redacts=target)

    def levels(self, sender, **changes):
        old = self.room.state.get(("m.room.power_levels", ""))
        content = json_copy(dict(old.content)) if old else {}
        return self.event(sender, "m.room.power_levels", {**content, **changes}, "")

    def have(self, *members):
        """Lets users join, by invite."""
        for user in members:
            self.room.accept(self.member(ALICE, user, "invite"))
            self.room.accept(self.member(user, user, "join"))


def json_copy(value):
    """A copy of JSON of Synapse's own types, as plain JSON."""
    return json.loads(encode_canonical_json(value))
