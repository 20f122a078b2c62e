"""Judges exported rooms with the code of Synapse, another implementation of Matrix.

Usage: judge.py EXPORT...

An EXPORT is a file with what RoomLifecycle.ExportRoom streams, as grpcurl prints it: one
JSON value for each message. Every event is put through what Synapse does with an event
that comes over federation and with one of its own: format, canonical JSON, hashes, id,
signatures, sizes, authorisation. It must follow on the event before it, as events do in
rooms that never fork. Content that is not what was hashed must be what redaction leaves, and
the room must have a redaction of the event; and the other way round.

Prints a line for each room, "accepted" or "refused" with the event and the reason. Exits
0 if all were accepted, 1 if one was refused.
"""

import json
import sys
import types

from canonicaljson import encode_canonical_json
from signedjson.key import decode_verify_key_bytes
from signedjson.sign import verify_signed_json
from synapse import event_auth
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.crypto.event_signing import check_event_content_hash, compute_event_reference_hash
from synapse.events.utils import prune_event
from synapse.events.validator import EventValidator
from synapse.federation.federation_base import _check_sigs_on_pdu, event_from_pdu_json
from unpaddedbase64 import decode_base64, encode_base64


class Refused(Exception):
    """An event, or the export as a whole, is not as it should be."""


def demand(condition, reason):
    if not condition:
        raise Refused(reason)


def finish(coroutine):
    """Returns what a coroutine returns that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the coroutine waits for something")


def is_pruned(event):
    """Whether the event has no more than redaction leaves."""
    return prune_event(event).get_pdu_json() == event.get_pdu_json()


class KeyRing:
    """Stands for Synapse's, with the keys of an export instead of those on the network."""

    def __init__(self, keys):
        self._keys = {}
        for key in keys:
            public_key = decode_verify_key_bytes(key["key_id"], decode_base64(key["public_key"]))
            self._keys.setdefault(key["server_name"], []).append(public_key)

    async def verify_event_for_server(self, server_name, event, _validity_time):
        signed = prune_event(event).get_pdu_json()
        keys = self._keys.get(server_name, [])
        names = [f"ed25519:{key.version}" for key in keys]
        demand(set(names) & set(signed["signatures"].get(server_name, {})),
               f"no signature of {server_name} with one of {names}")
        for key in keys:
            verify_signed_json(signed, server_name, key)


class Store:
    """Stands for Synapse's database: the events that were accepted, by id."""

    def __init__(self):
        self.events = {}

    async def get_events(self, event_ids, **_options):
        return {event_id: self.events[event_id]
                for event_id in event_ids if event_id in self.events}


class Judge:
    """Judges one room, event by event."""

    def __init__(self, header):
        demand(header["room_version"] in KNOWN_ROOM_VERSIONS, "unknown room version")
        self.version = KNOWN_ROOM_VERSIONS[header["room_version"]]
        self.room_id = header["room_id"]
        self.state = {}  # events by type and state key, behind the last event
        self.last = None  # the last event
        self._store = Store()
        self._redacted = set()  # ids of events whose content is no longer what was hashed
        self._targets = []  # ids of events that were redacted; None where it isn't told
        self._key_ring = KeyRing(header["verify_keys"])
        servers = {key["server_name"] for key in header["verify_keys"]}
        self._config = types.SimpleNamespace(
            server=types.SimpleNamespace(server_name=min(servers, default="")))

    def accept(self, text):
        """Takes the next event, a PDU as text, or raises an exception. Most of them are
        Synapse's own, of many kinds."""
        pdu = json.loads(text)
        demand(encode_canonical_json(pdu) == text.encode(), "not canonical JSON")
        event = event_from_pdu_json(pdu, self.version)
        event_auth.validate_event_for_room_version(event)
        self._check_content(event)
        finish(_check_sigs_on_pdu(self._key_ring, self.version, event))
        self._check_place(event)
        self._check_references(pdu)
        self._check_auth(event)
        self._store.events[event.event_id] = event
        self.last = event
        if event.type == "m.room.redaction":
            self._targets.append(event.redacts)
        if event.is_state():
            self.state[event.type, event.state_key] = event

    def close(self):
        """Takes the end of the room, or raises Refused."""
        told = {target for target in self._targets if target}
        demand(told <= set(self._store.events), "an unknown event was redacted")
        demand(all(is_pruned(self._store.events[target]) for target in told),
               "a redacted event has all its content")
        demand(len(self._redacted - told) <= self._targets.count(None),
               "the content hash does not match, and nobody redacted the event")

    def auth_event_ids(self, event):
        """The events that Synapse would choose to authorise `event` with."""
        chosen = event_auth.auth_types_for_event(self.version, event)
        return {self.state[place].event_id for place in chosen if place in self.state}

    def _check_content(self, event):
        if check_event_content_hash(event):
            EventValidator().validate_new(event, self._config)
            return
        demand(is_pruned(event), "the content hash does not match")
        self._redacted.add(event.event_id)

    def _check_place(self, event):
        demand(event.room_id == self.room_id, "in another room")
        demand(event.event_id not in self._store.events, "there twice")
        before = [self.last.event_id] if self.last else []
        demand(list(event.prev_event_ids()) == before, "not behind the event before it")
        demand(event.depth == (self.last.depth + 1 if self.last else 1), "at the wrong depth")

    def _check_references(self, pdu):
        """Checks the hashes in references that have them."""
        for reference in pdu["prev_events"] + pdu["auth_events"]:
            if isinstance(reference, list):
                event_id, hashes = reference
                demand(event_id in self._store.events, "refers to an unknown event")
                _, expected = compute_event_reference_hash(self._store.events[event_id])
                demand(hashes == {"sha256": encode_base64(expected)},
                       "a reference has another hash than its event")

    def _check_auth(self, event):
        known = self._store.events
        demand(all(event_id in known for event_id in event.auth_event_ids()),
               "authorised by an unknown event")
        finish(event_auth.check_state_independent_auth_rules(self._store, event))
        own = [known[event_id] for event_id in event.auth_event_ids()]
        event_auth.check_state_dependent_auth_rules(event, own)
        event_auth.check_state_dependent_auth_rules(event, self.state.values())
        demand({auth_event.event_id for auth_event in own} == self.auth_event_ids(event),
               "authorised by other events than Synapse would choose")


def read_export(text):
    """Returns the header and the PDUs of an export."""
    decoder = json.JSONDecoder()
    messages, position = [], 0
    while text[position:].strip():
        position += len(text[position:]) - len(text[position:].lstrip())
        message, position = decoder.raw_decode(text, position)
        messages.append(message)
    demand(messages and "header" in messages[0], "there is no header")
    pdus = [pdu for message in messages[1:] for pdu in message["events"]["pdus"]]
    return messages[0]["header"], pdus


def judge(header, pdus):
    """Raises Refused if the room is not accepted."""
    demand(int(header["event_count"]) == len(pdus), "not as many events as the header says")
    room = Judge(header)
    for number, pdu in enumerate(pdus, 1):
        try:
            room.accept(pdu)
        except Exception as error:  # pylint: disable=broad-except
            raise Refused(f"event {number}: {str(error) or repr(error)}: {pdu[:1000]}") from error
    room.close()


def main(paths):
    refused = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            header, pdus = read_export(text)
            judge(header, pdus)
            print(f"accepted {path}: version {header['room_version']}, {len(pdus)} events")
        except Refused as refusal:
            refused += 1
            print(f"refused {path}: {refusal}")
    return 1 if refused or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
