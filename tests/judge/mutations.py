"""Events spoiled in every way that no server may accept."""

import json

from canonicaljson import encode_canonical_json
from unpaddedbase64 import encode_base64

from forger import CAROL, SERVER

STRANGER = "@stranger:" + SERVER


def copies(text):
    """Yields what the holder of an export can make of one of its events: a word for it, and
    the event."""
    def altered(what, **changes):
        return what, encode_canonical_json({**json.loads(text), **changes}).decode()

    pdu = json.loads(text)
    ((key_id, signature),) = pdu["signatures"][SERVER].items()
    other = ("B" if signature[0] == "A" else "A") + signature[1:]
    yield altered("wrong hash", hashes={"sha256": encode_base64(b"x" * 32)})
    yield altered("other content", content={**pdu["content"], "org.example.forged": 1})
    yield altered("other time", origin_server_ts=pdu["origin_server_ts"] + 1)
    yield altered("wrong signature", signatures={SERVER: {key_id: other}})
    yield altered("no signature", signatures={})
    yield altered("signature of another server", signatures={"elsewhere.net": {key_id: signature}})


def events(forger):
    """Yields what the holder of the server's key can make behind the latest event of a room,
    and its rules forbid: a word for it, and the event."""
    members = {}
    for (event_type, user), event in forger.room.state.items():
        if event_type == "m.room.member" and user.endswith(":" + SERVER):
            members.setdefault(event.content["membership"], []).append(user)
    for user in members.get("ban", []):
        yield f"message of the banned {user}", forger.message(user)
        yield f"join of the banned {user}", forger.member(user, user, "join")
    for user in members.get("leave", []) + [STRANGER]:
        yield f"message of {user}, who is not there", forger.message(user)
    for user in members.get("join", []):
        if forger.power(user) < 50:
            yield f"name by {user}", forger.event(user, "m.room.name", {"name": "x"}, "")
            yield f"levels by {user}", forger.levels(user, users_default=100)
            yield f"ban by {user}", forger.member(user, STRANGER, "ban")
            yield (f"tombstone by {user}",
                   forger.event(user, "m.room.tombstone",
                                {"body": "", "replacement_room": "!x:" + SERVER}, ""))
    yield "state of another user", forger.event(forger.creator, "org.example.x", {}, CAROL)
