"""What happens in a room once it is there, so that the events of every kind are judged."""

from google.protobuf import json_format

from rooms import ALICE, state

SERVER = "example.org"
BOB, CAROL, DAVE, ERIN, FRANK, GRACE, HEIDI, IVAN, JUDY, KARL, LAURA, MIKE = (
    f"@{name}:{SERVER}" for name in ("bob", "carol", "dave", "erin", "frank", "grace", "heidi",
                                     "ivan", "judy", "karl", "laura", "mike"))
YAN, ZOE = "@yan:elsewhere.net", "@zoe:elsewhere.net"

# The version from which on a join rule is known.
JOIN_RULES = {"private": 1, "invite": 1, "public": 1, "knock": 7, "restricted": 8,
              "knock_restricted": 10}


def join_rules(version):
    """The join rules of a room version."""
    return [rule for rule, first in JOIN_RULES.items() if first <= int(version)]


def new_room(version):
    """A request for a room that traffic can happen in."""
    return {"creator": ALICE, "room_version": version, "name": "Lobby", "topic": "Keys",
            "invites": [BOB, CAROL, ZOE], "power_level_content_override": {
                "events": {"org.example.own": 0, "m.room.topic": 25}},
            "initial_state": [state("m.room.history_visibility", {"history_visibility": "joined"}),
                              state("m.room.server_acl", {"allow": ["*"], "deny": ["evil.example"]}),
                              state("org.example.x", {"n": 1}, "k")]}


class Room:
    """A room, and those who act in it."""

    def __init__(self, client, room_id, version):
        self._client = client
        self.room_id = room_id
        self.creator_is_above_levels = version == "12"

    def _call(self, method, requester, **fields):
        room = "room_id_or_alias" if method in ("JoinRoom", "KnockOnRoom") else "room_id"
        return self._client.call(method, {room: self.room_id, "requester": requester, **fields})

    def act(self, method, requester, user, reason=""):
        """One user does something to another."""
        self._call(method, requester, user_id=user, reason=reason)

    def join(self, user, **profile):
        self._call("JoinRoom", user, **profile)

    def knock(self, user, reason):
        self._call("KnockOnRoom", user, reason=reason)

    def leave(self, user, reason=""):
        self._call("LeaveRoom", user, reason=reason)

    def set(self, user, event_type, content, state_key=""):
        """Returns the id of the new state event."""
        return self._call("SetState", user, type=event_type, state_key=state_key,
                          content=content).event.event_id

    def send(self, user, body):
        """Returns the id of the new message."""
        return self._call("SendEvent", user, type="m.room.message",
                          content={"msgtype": "m.text", "body": body}).event.event_id

    def redact(self, user, event_id, reason=""):
        """Returns the id of the redaction."""
        return self._call("RedactEvent", user, event_id=event_id, reason=reason).event.event_id

    def levels(self, **changes):
        """Changes the power levels as ALICE."""
        content = json_format.MessageToDict(self._state("m.room.power_levels").content)
        self.set(ALICE, "m.room.power_levels", {**content, **changes})

    def member_event(self, user):
        """The id of the event that makes a user what they are to the room."""
        return self._state("m.room.member", user).event_id

    def _state(self, event_type, state_key=""):
        (event,) = self._client.call("GetRoomState", {
            "room_id": self.room_id, "type": event_type, "state_key": state_key}).events
        return event


def members_come_and_go(room):
    """Invites, joins, leaves, kicks, bans and their ends."""
    for user in (DAVE, ERIN, FRANK, YAN):
        room.act("InviteUser", ALICE, user, "do come")
    room.join(BOB, displayname="Bob", avatar_url=f"mxc://{SERVER}/bob", reason="thanks")
    room.join(BOB, displayname="Bobby")
    room.join(CAROL, displayname="日本")
    room.leave(DAVE, "no time")
    room.act("KickUser", ALICE, ERIN, "invited by mistake")
    room.join(FRANK)
    room.leave(FRANK)
    room.act("InviteUser", BOB, FRANK)
    room.join(FRANK, displayname="Frank")
    room.act("KickUser", ALICE, FRANK, "be \"nice\"")
    room.act("BanUser", ALICE, FRANK, "he was not")
    room.act("BanUser", ALICE, HEIDI)
    room.act("UnbanUser", ALICE, HEIDI, "mistaken for another")
    room.act("BanUser", ALICE, YAN, "spam")


def things_are_said_and_set(room):
    """Messages, state and redactions, of one's own and of others."""
    own, of_carol = room.send(BOB, "hello"), room.send(CAROL, "\u0001 unkind \U0010ffff")
    room.redact(BOB, own)
    redaction = room.redact(ALICE, of_carol, "unkind")
    room.send(ALICE, "now then")
    users = {} if room.creator_is_above_levels else {ALICE: 100}
    room.levels(users={**users, BOB: 50, CAROL: 25}, notifications={"room": 20})
    room.set(CAROL, "m.room.topic", {"topic": "Coffee"})
    topic = room.set(BOB, "m.room.topic", {"topic": "secret"})
    room.redact(BOB, topic)
    room.redact(BOB, redaction, "done with it")
    own_state = room.set(CAROL, "org.example.own", {"mine": [True, None, -1]}, CAROL)
    room.redact(CAROL, own_state)
    room.set(BOB, "m.room.name", {"name": "Bar"})
    room.set(BOB, "org.example.x", {}, "k")
    room.set(ALICE, "m.room.pinned_events", {"pinned": [own]})
    room.set(ALICE, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    room.act("KickUser", BOB, CAROL)
    room.act("InviteUser", BOB, CAROL)
    room.join(CAROL)
    room.redact(ALICE, room.member_event(CAROL))
    room.leave(BOB)


def set_join_rule(room, rule, club):
    allow = {"allow": [{"type": "m.room_membership", "room_id": club}]}
    room.set(ALICE, "m.room.join_rules",
             {"join_rule": rule, **(allow if "restricted" in rule else {})})


def users_come_by_themselves(room, rules, club):
    """Joins and knocks under each of the join rules that there are."""
    room.act("InviteUser", ALICE, BOB)
    for rule in rules:
        set_join_rule(room, rule, club)
        if rule == "public":
            room.join(MIKE, displayname="Mike")
            room.join(GRACE)
            room.act("BanUser", ALICE, GRACE)
        if "knock" in rule:
            room.knock(IVAN, "it is cold")
            room.knock(JUDY, "me too")
            room.knock(KARL, "")
            room.act("InviteUser", ALICE, IVAN)
            room.join(IVAN)
            room.leave(JUDY, "warm now")
            room.act("KickUser", ALICE, KARL, "no")
            room.leave(IVAN)
        if "restricted" in rule:
            room.join(LAURA, displayname=rule)
            room.leave(LAURA)
            room.join(BOB)
            room.leave(BOB)
            room.act("InviteUser", ALICE, BOB)
            room.join(LAURA)
            room.send(LAURA, "by " + rule)
            room.leave(LAURA)


def make_club(client):
    """Returns the id of a room whose members may join others."""
    club = client.call("CreateRoom", {"creator": ALICE, "preset": "ROOM_PRESET_PUBLIC_CHAT"})
    for user in (BOB, LAURA):
        Room(client, club.room.room_id, "11").join(user)
    return club.room.room_id


def make_lively_room(client, version, rule, club):
    """Returns the id of a room in which everything has happened that can in its version, and
    whose join rule is now `rule`. `club` comes from make_club()."""
    room = Room(client, client.call("CreateRoom", new_room(version)).room.room_id, version)
    members_come_and_go(room)
    things_are_said_and_set(room)
    users_come_by_themselves(room, join_rules(version), club)
    room.join(BOB)
    set_join_rule(room, rule, club)
    if "knock" in rule:
        room.knock(JUDY, "once more")
    room.send(BOB, "that was it")
    return room.room_id


def go_on(client, room_id, version):
    """Something happens in the successor of a lively room, to which its members came."""
    room = Room(client, room_id, version)
    message = room.send(BOB, "the same as ever")
    room.act("InviteUser", BOB, DAVE)
    room.set(ALICE, "m.room.join_rules", {"join_rule": "invite"})
    room.join(DAVE)
    room.redact(ALICE, message)
    room.act("KickUser", BOB, DAVE)
    room.set(BOB, "m.room.name", {"name": "New bar"})
    room.act("UnbanUser", ALICE, FRANK)
    room.leave(BOB)
