"""Requests for rooms of every kind, as JSON, to be made and judged."""

VERSIONS = [str(version) for version in range(1, 13)]
ALICE = "@alice:example.org"
BOB = "@bob:example.org"
CAROL = "@carol:elsewhere.net"


def state(event_type, content, state_key=""):
    return {"type": event_type, "state_key": state_key, "content": content}


def request(version, **fields):
    return {"creator": ALICE, "room_version": version, **fields}


def rich(version, alias, **fields):
    """A room with something of everything."""
    return request(
        version, name="Lobby", topic="日本 \"quoted\" \\ \n\t\u0001\u007f", alias=alias,
        invites=[BOB, CAROL], encryption_algorithm="m.megolm.v1.aes-sha2",
        initial_state=[
            state("m.room.avatar", {"url": "mxc://example.org/a"}),
            state("m.room.pinned_events", {"pinned": ["$x"]}),
            state("m.room.server_acl", {"allow": ["*"], "deny": ["evil.example"]}),
            state("m.room.third_party_invite",
                  {"display_name": "D", "key_validity_url": "https://example.org/valid",
                   "public_key": "XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI"}, "token"),
            state("org.example.x", {"b": 9007199254740991, "a": [None, True, {"": -1}]}, "k"),
            state("org.example.own", {"mine": True}, ALICE),
            state("org.example.empty", {}),
        ],
        **fields)


def creations(version):
    """Requests for rooms of `version` that must be made."""
    yield request(version)
    for preset in ("PRIVATE", "TRUSTED_PRIVATE", "PUBLIC"):
        yield rich(version, f"#{preset.lower()}-{version}:example.org",
                   preset=f"ROOM_PRESET_{preset}_CHAT", is_public=preset == "PUBLIC")
    yield request(version, is_direct=True, invites=[BOB])
    yield request(version, creation_content={"type": "m.space", "org.example.x": {"y": [1]}},
                  initial_state=[
                      state("m.space.child", {"via": ["example.org"], "order": "a"}, "!c:example.org"),
                      state("m.space.parent", {"via": ["example.org"], "canonical": True},
                            "!p:example.org")])
    yield request(version, creation_content={"m.federate": False}, invites=[BOB])
    yield request(version, power_level_content_override={
        "ban": 60, "invite": 1, "events": {"m.room.name": 0, "org.example.x": 77},
        "notifications": {"room": 20}, "users_default": 5, "org.example.key": "kept"})
    yield request(version, invites=[BOB, CAROL], initial_state=[
        state("m.room.power_levels", {"users": {BOB: 100, CAROL: 50} if version == "12" else
                                      {ALICE: 1000, BOB: 100, CAROL: 50},
                                      "events": {}, "invite": 0})])
    for rule in ("public", "invite", "knock", "private"):
        yield request(version, invites=[BOB],
                      initial_state=[state("m.room.join_rules", {"join_rule": rule})])
    for rule in ("restricted", "knock_restricted"):
        yield request(version, initial_state=[state("m.room.join_rules", {
            "join_rule": rule,
            "allow": [{"type": "m.room_membership", "room_id": "!a:example.org"}]})])


def oddities(version):
    """Requests that may be refused; what is made of them must be as it should be."""
    for content in (
            {"creator": BOB}, {"room_version": "1"}, {"room_version": 3}, {"predecessor": {}},
            {"predecessor": {"room_id": "!old:example.org", "event_id": "$x"}},
            {"additional_creators": [BOB, CAROL, BOB, ALICE]}, {"additional_creators": []},
            {"additional_creators": "x"}, {"additional_creators": ["x"]}, {"type": ""},
            {"m.federate": None}, {"m.federate": True}):
        yield request(version, creation_content=content)
    yield request(version, creation_content={"m.federate": False}, invites=[CAROL])
    yield request(version, creation_content={"m.federate": False, "additional_creators": [CAROL]},
                  preset="ROOM_PRESET_TRUSTED_PRIVATE_CHAT", invites=[BOB])
    for levels in (
            {"users": {}}, {"users": {BOB: 100}}, {"users": {ALICE: 100}}, {"users": {ALICE: 50}},
            {"users": {BOB: "50"}}, {"users": {"bob": 1}}, {"users": None}, {"ban": "50"},
            {"ban": 1.5}, {"ban": None}, {"ban": -1}, {"ban": 9007199254740991}, {"invite": 101},
            {"events_default": 100}, {"events_default": 101}, {"state_default": 101},
            {"users_default": 100}, {"users_default": -10}, {"events": {"m.room.create": 0}},
            {"events": {"m.room.power_levels": 101}}, {"events": {"m.room.encryption": 200}},
            {"events": {"m.room.member": 101}}, {"events": {"m.room.tombstone": 0}},
            {"events": {"x": "1"}}, {"events": []}, {"notifications": {"room": "50"}},
            {"notifications": {"room": 101}}, {"notifications": 5}, {"redact": True}):
        yield request(version, power_level_content_override=levels, name="x", invites=[BOB],
                      encryption_algorithm="m.megolm.v1.aes-sha2")
        yield request(version, name="x", invites=[BOB],
                      initial_state=[state("m.room.power_levels", levels)])
        yield request(version, preset="ROOM_PRESET_TRUSTED_PRIVATE_CHAT", invites=[BOB],
                      initial_state=[state("m.room.power_levels", {"users": {ALICE: 100}, **levels})])
    for event in (
            state("m.room.aliases", {"aliases": ["#a:example.org"]}, "example.org"),
            state("m.room.aliases", {"aliases": []}),
            state("m.room.aliases", {}, "elsewhere.net"),
            state("m.room.server_acl", {"deny": ["*"]}),
            state("m.room.server_acl", {"allow": ["elsewhere.net"]}),
            state("m.room.join_rules", {}), state("m.room.join_rules", {"join_rule": 1}),
            state("m.room.join_rules", {"join_rule": "restricted", "allow": 5}),
            state("m.room.history_visibility", {}), state("m.room.guest_access", {"x": 1}),
            state("m.room.name", {"name": 5}), state("m.room.name", {}, "k"),
            state("m.room.topic", {"topic": None}), state("m.room.redaction", {"redacts": "$x"}),
            state("m.room.retention", {"max_lifetime": "x"}),
            state("m.room.retention", {"min_lifetime": 2, "max_lifetime": 1}),
            state("m.room.third_party_invite", {}, "token"),
            state("m.room.encryption", {"algorithm": "x"}), state("m.room.encryption", {}),
            state("m.room.encrypted", {}), state("m.room.message", {"body": 1}),
            state("org.example.x", {"m.mentions": 5}), state("org.example.x", {}, "@"),
            state("org.example.x", {}, BOB), state("org.example.x", {}, "é" * 127),
            state("org.example.x", {}, "é" * 128), state("org.example.x", {"n": 2**53}),
            state("org.example.x", {"t": "\ud7ff\ue000\U0010ffff\u2028"}),
            state("org.example.x", {"text": "x" * 64000}),
            state("org.example.x", {"text": "x" * 64600})):
        yield request(version, name="x", initial_state=[event])
    yield request(version, creator="@:example.org")
    yield request(version, creator="@Ä b:example.org", invites=["@ :elsewhere.net"])
    yield request(version, creator="@" + "é" * 121 + ":example.org")
    yield request(version, invites=["@" + "é" * 121 + ":elsewhere.net"])
