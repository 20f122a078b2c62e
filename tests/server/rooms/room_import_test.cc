#include "server/rooms/room_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/state_resolution.h"
#include "tests/server/rooms/forked_room.h"
#include "tests/server/rooms/random_room.h"
#include "tests/server/rooms/signed_pdus.h"

namespace innkeeper::rooms {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

absl::StatusOr<ImportedRoom> Import(const ForkedRoom& room, const std::vector<std::string>& pdus,
                                    const VerifyKeys& keys = {}) {
  RoomImport import(room.version(), room.graph().event(0).room_id, keys);
  for (const std::string& pdu : pdus) import.Add(pdu);
  return std::move(import).Finish();
}

// By the names that they have in `room`.

std::vector<std::string> Accepted(const ForkedRoom& room, const ImportedRoom& imported) {
  std::vector<std::string> names;
  for (const ReceivedEvent& received : imported.events) {
    names.push_back(room.Name(*room.graph().Find(received.event.event_id)));
  }
  return names;
}

NamedState StateOf(const ForkedRoom& room, const ImportedRoom& imported) {
  StateSet state;
  for (const auto& [key, entry] : imported.state) {
    state.Set(*room.graph().FindPlace(key), *room.graph().Find(entry.reference.event_id));
  }
  return room.Named(state);
}

std::vector<std::string> Latest(const ForkedRoom& room, const ImportedRoom& imported) {
  std::vector<std::string> names;
  for (const EventReference& reference : imported.latest_events) {
    names.push_back(room.Name(*room.graph().Find(reference.event_id)));
  }
  return names;
}

std::map<std::string, std::string> Refused(const ForkedRoom& room, const ImportedRoom& imported) {
  std::map<std::string, std::string> refused;
  for (const RefusedEvent& event : imported.refused) {
    refused[room.Name(*room.graph().Find(event.event_id))] = event.reason;
  }
  return refused;
}

class EveryVersionTest : public testing::TestWithParam<RoomVersion> {};

INSTANTIATE_TEST_SUITE_P(Versions, EveryVersionTest, testing::ValuesIn(AllRoomVersions()),
                         [](const auto& test) { return std::string(test.param.id); });

TEST_P(EveryVersionTest, ARoomComesOutAsItWentIn) {
  ForkedRoom room(GetParam().id);
  room.Begin();
  room.Join("JoinBob", kBob);
  room.Message("Hello", kBob);
  room.Topic("Topic", kAlice);
  const std::vector<std::string> pdus = SignedPdus(room);
  const auto imported = Import(room, pdus, KeysOf({"a.example", "b.example"}));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(imported->refused, IsEmpty());
  EXPECT_THAT(imported->unverified_servers, IsEmpty());
  EXPECT_THAT(Latest(room, *imported), ElementsAre("Topic"));
  EXPECT_EQ(imported->depth, room.graph().event(room.Index("Topic")).depth);
  EXPECT_EQ(StateOf(room, *imported), room.Named(room.After("Topic")));
  std::vector<std::string> again;
  for (const ReceivedEvent& received : imported->events) {
    Json pdu = PduJson(room.version(), received.event);
    pdu["signatures"] = received.signatures;
    again.push_back(CanonicalJson(pdu));
  }
  EXPECT_EQ(again, pdus);
}

TEST_P(EveryVersionTest, BranchesAreResolvedAndTheOrderOfTheExportIsOfNoMatter) {
  for (uint32_t seed = 0; seed < 5; ++seed) {
    const RandomRoom random(GetParam().id, seed, 40);
    const ForkedRoom& room = random.room();
    std::vector<std::string> pdus = SignedPdus(room);
    const auto imported = Import(room, pdus);
    ASSERT_EQ(imported.status(), absl::OkStatus());
    EXPECT_THAT(imported->refused, IsEmpty());
    EXPECT_EQ(imported->events.size(), pdus.size());
    std::vector<std::string> ends = Latest(room, *imported);
    EXPECT_EQ(StateOf(room, *imported), room.Resolve(ends));
    for (EventIndex index = 0; index < room.graph().size(); ++index) {
      for (const EventIndex prev : room.graph().prev_events(index)) {
        EXPECT_THAT(ends, Not(Contains(room.Name(prev))));
      }
    }

    std::shuffle(pdus.begin(), pdus.end(), std::mt19937(seed));
    const auto shuffled = Import(room, pdus);
    ASSERT_EQ(shuffled.status(), absl::OkStatus());
    EXPECT_EQ(Accepted(room, *shuffled), Accepted(room, *imported));
    EXPECT_EQ(StateOf(room, *shuffled), StateOf(room, *imported));
    EXPECT_EQ(Latest(room, *shuffled), ends);
  }
}

class RoomImportTest : public testing::Test {
 protected:
  explicit RoomImportTest(absl::string_view version = "11") : room_(version) {
    room_.Begin();
    room_.Join("JoinBob", kBob);
  }

  ImportedRoom ImportAll() { return Import(room_, SignedPdus(room_)).value(); }

  // The export without these events.
  std::vector<std::string> Without(const std::vector<std::string>& names) const {
    std::vector<std::string> pdus;
    for (EventIndex index = 0; index < room_.graph().size(); ++index) {
      if (std::find(names.begin(), names.end(), room_.Name(index)) == names.end()) {
        pdus.push_back(CanonicalJson(SignedPdu(room_, index)));
      }
    }
    return pdus;
  }

  // The export with another event in the place of one.
  std::vector<std::string> With(const std::string& name, const std::string& pdu) const {
    std::vector<std::string> pdus = SignedPdus(room_);
    pdus[room_.Index(name)] = pdu;
    return pdus;
  }

  ForkedRoom room_;
};

TEST_F(RoomImportTest, WhatTheStateBeforeForbidsIsPassedOver) {
  room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 50}});
  const StateSet before = room_.After("PL1");
  room_.Ban("Ban", kAlice, kBob);
  // Names the auth events of before the ban, but comes behind it.
  room_.AddForbidden("Topic", {.sender = kBob,
                               .type = "m.room.topic",
                               .content = {{"topic", "x"}},
                               .after = {"Ban"},
                               .state = before});
  room_.Add("Hello", {.sender = kAlice,
                      .type = "m.room.message",
                      .state_key = std::nullopt,
                      .after = {"Topic"},
                      .state = room_.After("Ban")});
  const ImportedRoom imported = ImportAll();
  EXPECT_THAT(Refused(room_, imported),
              ElementsAre(Pair("Topic", HasSubstr("in the state it was sent in"))));
  EXPECT_THAT(Accepted(room_, imported), Contains("Hello"));
  EXPECT_EQ(StateOf(room_, imported), room_.Named(room_.After("Ban")));
  EXPECT_THAT(Latest(room_, imported), ElementsAre("Hello"));
}

TEST_F(RoomImportTest, WhatItsOwnAuthEventsForbidIsPassedOver) {
  const StateSet before = room_.After("JoinBob");
  room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 50}});
  room_.AddForbidden("Topic", {.sender = kBob,
                               .type = "m.room.topic",
                               .content = {{"topic", "x"}},
                               .after = {"PL1"},
                               .state = before});
  const ImportedRoom imported = ImportAll();
  EXPECT_THAT(Refused(room_, imported),
              ElementsAre(Pair("Topic", HasSubstr("by the auth events it names"))));
  EXPECT_THAT(Latest(room_, imported), ElementsAre("PL1"));
}

TEST_F(RoomImportTest, WhatNamesARejectedAuthEventIsRejectedToo) {
  const StateSet before = room_.After("JoinBob");
  room_.AddForbidden("JoinEve", {.sender = kEve,
                                 .type = "m.room.member",
                                 .state_key = kEve,
                                 .content = {{"membership", "ban"}},
                                 .after = {"JoinBob"}});
  room_.AddForbidden("Hello", {.sender = kEve,
                               .type = "m.room.message",
                               .state_key = std::nullopt,
                               .after = {"JoinBob"},
                               .state = room_.With(before, "JoinEve")});
  const ImportedRoom imported = ImportAll();
  EXPECT_THAT(Refused(room_, imported), UnorderedElementsAre(Key("JoinEve"), Key("Hello")));
  EXPECT_THAT(Latest(room_, imported), ElementsAre("JoinBob"));
}

TEST_F(RoomImportTest, AnEventWithAWrongAuthEventIsRejected) {
  room_.Topic("Topic", kAlice);
  Event event = room_.graph().event(room_.Index("Topic"));
  event.auth_events.push_back(ReferenceTo(room_.version(), room_.graph().event(room_.Index("JR"))));
  FinishEvent(room_.version(), event);
  Json pdu = PduJson(room_.version(), event);
  pdu["signatures"] = Json::object();
  const auto imported = Import(room_, With("Topic", CanonicalJson(pdu)));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(imported->refused, ElementsAre(Field(&RefusedEvent::event_id, event.event_id)));
  EXPECT_THAT(imported->state, Not(Contains(Key(StateKey{"m.room.topic", ""}))));
}

TEST_F(RoomImportTest, AnEventWhoseAuthEventIsMissingIsRejected) {
  room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 50}});
  room_.Message("Aside", kAlice, {"JoinBob"});
  room_.Add("Hello", {.sender = kAlice,
                      .type = "m.room.message",
                      .state_key = std::nullopt,
                      .after = {"Aside"},
                      .state = room_.After("PL1")});
  room_.Message("Behind", kAlice, {"Aside"});
  const auto imported = Import(room_, Without({"PL1"}));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(Refused(room_, *imported),
              ElementsAre(Pair("Hello", HasSubstr("names the auth event"))));
}

TEST_F(RoomImportTest, WhatComesBehindAMissingEventIsAsIfItWereNotThere) {
  room_.Message("M1", kAlice);
  room_.Message("M2", kAlice);
  room_.Topic("Topic", kAlice);
  const auto imported = Import(room_, Without({"M1"}));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(Refused(room_, *imported), ElementsAre(Pair("M2", HasSubstr("comes behind")),
                                                     Pair("Topic", HasSubstr("comes behind"))));
  EXPECT_THAT(Latest(room_, *imported), ElementsAre("JoinBob"));
  EXPECT_EQ(StateOf(room_, *imported), room_.Named(room_.After("JoinBob")));
}

TEST_F(RoomImportTest, BranchesBehindARejectedEventEndWhereTheyDo) {
  const StateSet before = room_.After("JoinBob");
  room_.Message("M1", kAlice);
  room_.AddForbidden("Topic", {.sender = kBob, .type = "m.room.topic", .after = {"M1"}});
  room_.AddForbidden("Topic2", {.sender = kBob, .type = "m.room.topic", .after = {"Topic"}});
  // A rejected event covers nothing.
  EXPECT_THAT(Latest(room_, ImportAll()), ElementsAre("M1"));
  // An accepted one behind it does.
  room_.Add("M2", {.sender = kAlice,
                   .type = "m.room.message",
                   .state_key = std::nullopt,
                   .after = {"Topic2"},
                   .state = before});
  EXPECT_THAT(Latest(room_, ImportAll()), ElementsAre("M2"));
}

TEST_F(RoomImportTest, AChangedEventIsTakenAsRedacted) {
  room_.Topic("Topic", kAlice);
  room_.Message("Hello", kBob);
  Json pdu = SignedPdu(room_, room_.Index("Topic"));
  pdu["content"] = {{"topic", "changed"}};
  const auto imported =
      Import(room_, With("Topic", CanonicalJson(pdu)), KeysOf({"a.example", "b.example"}));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(imported->refused, IsEmpty());
  EXPECT_TRUE(imported->events[room_.Index("Topic")].redacted);
  EXPECT_EQ(StateContent(imported->state, "m.room.topic"), Json::object());
}

TEST_F(RoomImportTest, OfARedactedAndAWholeCopyTheWholeOneIsTaken) {
  room_.Topic("Topic", kAlice);
  Json redacted = SignedPdu(room_, room_.Index("Topic"));
  redacted["content"] = Json::object();
  std::vector<std::string> pdus = SignedPdus(room_);
  pdus.push_back(CanonicalJson(redacted));
  for (int i = 0; i < 2; ++i) {
    const auto imported = Import(room_, pdus);
    ASSERT_EQ(imported.status(), absl::OkStatus());
    EXPECT_THAT(imported->refused, IsEmpty());
    EXPECT_EQ(imported->events.size(), room_.graph().size());
    EXPECT_EQ(StateContent(imported->state, "m.room.topic"), Json({{"topic", "Topic"}}));
    std::reverse(pdus.begin(), pdus.end());
  }
}

// Adds a redaction of `target` by `sender`.
void AddRedaction(ForkedRoom& room, const std::string& name, const std::string& sender,
                  const std::string& target) {
  const std::string id = room.graph().event(room.Index(target)).event_id;
  Step step{.sender = sender, .type = "m.room.redaction", .state_key = std::nullopt};
  if (room.version().redacts_in_content) {
    step.content = {{"redacts", id}};
  } else {
    step.redacts = id;
  }
  room.Add(name, step);
}

TEST_P(EveryVersionTest, RedactionsTakeEffect) {
  ForkedRoom room(GetParam().id);
  room.Begin();
  room.Join("JoinBob", kBob);
  room.Join("JoinEve", kEve);
  room.Topic("Topic", kAlice);
  room.Message("Bobs", kBob);
  room.Message("Alices", kAlice);
  room.Message("Eves", kEve);
  AddRedaction(room, "OwnRedaction", kBob, "Bobs");
  AddRedaction(room, "OfTopic", kAlice, "Topic");
  AddRedaction(room, "OfCreate", kAlice, "Create");
  AddRedaction(room, "OfMember", kAlice, "JoinEve");
  if (!room.version().redactions_need_power) AddRedaction(room, "NoPower", kBob, "Eves");
  const auto imported =
      Import(room, SignedPdus(room), KeysOf({"a.example", "b.example", "e.example"}));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(imported->refused, IsEmpty());
  std::map<std::string, std::string> redacted;
  for (const ReceivedEvent& received : imported->events) {
    const std::string name = room.Name(*room.graph().Find(received.event.event_id));
    if (received.redacted) {
      redacted[name] = room.Name(*room.graph().Find(received.redacted_by));
      EXPECT_EQ(received.event.content,
                Redact(room.version(), SignedPdu(room, room.Index(name)))["content"]);
      EXPECT_EQ(received.event.canonical_content, CanonicalJson(received.event.content));
    } else {
      EXPECT_EQ(received.event.content, room.graph().event(room.Index(name)).content) << name;
    }
  }
  EXPECT_THAT(redacted, UnorderedElementsAre(Pair("Bobs", "OwnRedaction"), Pair("Topic", "OfTopic"),
                                             Pair("JoinEve", "OfMember")));
  EXPECT_EQ(StateContent(imported->state, "m.room.topic"), Json::object());
  EXPECT_EQ(StateOf(room, *imported), room.Named(room.After("Eves")));
}

TEST_F(RoomImportTest, SignaturesAreCheckedWhereKeysAreGiven) {
  room_.Message("Hello", kBob);
  Json forged = SignedPdu(room_, room_.Index("Hello"));
  forged["signatures"] = Json::object();
  SignEvent(room_.version(), KeyOf("a.example"), forged);
  const std::vector<std::string> pdus = With("Hello", CanonicalJson(forged));

  const auto with_keys = Import(room_, pdus, KeysOf({"a.example", "b.example"}));
  ASSERT_EQ(with_keys.status(), absl::OkStatus());
  EXPECT_THAT(Refused(room_, *with_keys),
              ElementsAre(Pair("Hello", "has no signature of b.example")));
  EXPECT_THAT(with_keys->unverified_servers, IsEmpty());

  const auto without_keys = Import(room_, pdus, KeysOf({"a.example"}));
  ASSERT_EQ(without_keys.status(), absl::OkStatus());
  EXPECT_THAT(without_keys->refused, IsEmpty());
  EXPECT_THAT(without_keys->unverified_servers, ElementsAre("b.example"));
}

TEST_F(RoomImportTest, AnEventThatNamesAServerWronglyIsRefused) {
  Event event = room_.graph().event(room_.Index("JoinBob"));
  event.content["join_authorised_via_users_server"] = "nobody";
  FinishEvent(room_.version(), event);
  Json pdu = PduJson(room_.version(), event);
  SignEvent(room_.version(), KeyOf("b.example"), pdu);
  const auto imported = Import(room_, With("JoinBob", CanonicalJson(pdu)));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(imported->refused,
              ElementsAre(Field(&RefusedEvent::reason, HasSubstr("wants the signature"))));
  EXPECT_THAT(imported->unverified_servers, ElementsAre("a.example"));
}

TEST_F(RoomImportTest, EventsOfAnotherRoomAreRefused) {
  ForkedRoom other("11");
  other.Begin();
  Event event = room_.graph().event(room_.Index("JoinBob"));
  event.room_id = "!other:a.example";
  FinishEvent(room_.version(), event);
  Json pdu = PduJson(room_.version(), event);
  pdu["signatures"] = Json::object();
  const auto imported = Import(room_, With("JoinBob", CanonicalJson(pdu)));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(imported->refused,
              ElementsAre(Field(&RefusedEvent::reason, "is of the room !other:a.example")));
}

TEST_F(RoomImportTest, WhatIsNoEventIsRefusedByItsPosition) {
  const auto imported = Import(room_, With("JoinBob", "{}"));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(imported->refused,
              ElementsAre(AllOf(Field(&RefusedEvent::position, room_.Index("JoinBob")),
                                Field(&RefusedEvent::event_id, ""),
                                Field(&RefusedEvent::reason, HasSubstr("signatures")))));
}

TEST_F(RoomImportTest, ARoomHasOneCreateEvent) {
  Event event = room_.graph().event(0);
  event.content["x"] = 1;
  event.depth = 3;
  FinishEvent(room_.version(), event);
  Json pdu = PduJson(room_.version(), event);
  pdu["signatures"] = Json::object();
  std::vector<std::string> pdus = SignedPdus(room_);
  pdus.push_back(CanonicalJson(pdu));
  const auto imported = Import(room_, pdus);
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(imported->refused,
              ElementsAre(AllOf(Field(&RefusedEvent::event_id, event.event_id),
                                Field(&RefusedEvent::reason, HasSubstr("has begun already")))));
}

TEST_F(RoomImportTest, WithoutACreateEventThereIsNoRoom) {
  const absl::Status status = Import(room_, Without({"Create"})).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), HasSubstr("has no m.room.create"));
  EXPECT_TRUE(absl::IsInvalidArgument(Import(room_, {}).status()));
}

TEST_F(RoomImportTest, ACreateEventOfAnotherVersionMakesNoRoom) {
  RoomImport import(*FindRoomVersion("10"), room_.graph().event(0).room_id, {});
  for (const std::string& pdu : SignedPdus(room_)) import.Add(pdu);
  const absl::Status status = std::move(import).Finish().status();
  EXPECT_THAT(status.message(), HasSubstr("makes a room of version \"11\""));
}

TEST_P(EveryVersionTest, ACreateEventElsewhereInTheStateMakesNoRoom) {
  ForkedRoom room(GetParam().id);
  room.Create("Create", kAlice);
  for (const std::optional<std::string>& key : {std::optional<std::string>(), {"x"}}) {
    Event event = room.graph().event(0);
    event.state_key = key;
    FinishEvent(room.version(), event);
    RoomImport import(room.version(), event.room_id, {});
    import.Add(CanonicalJson(SignedPdu(room.version(), event)));
    const absl::Status status = std::move(import).Finish().status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr("must have an empty state key"));
  }
}

TEST_P(EveryVersionTest, ARedactedCreateEventMakesTheRoomThatTheHeaderNames) {
  ForkedRoom room(GetParam().id);
  room.Begin();
  room.Join("JoinBob", kBob);
  std::vector<std::string> pdus = SignedPdus(room);
  Json create = Redact(room.version(), SignedPdu(room, 0));
  pdus[0] = CanonicalJson(create);
  const auto imported = Import(room, pdus, KeysOf({"a.example", "b.example"}));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(imported->refused, IsEmpty());
  EXPECT_EQ(StateOf(room, *imported), room.Named(room.After("JoinBob")));
}

TEST_F(RoomImportTest, ACreateEventThatNamesNoVersionIsOfVersion1) {
  Event event = room_.graph().event(0);
  event.content.erase("room_version");
  FinishEvent(room_.version(), event);
  const absl::Status status =
      Import(room_, With("Create", CanonicalJson(SignedPdu(room_.version(), event)))).status();
  EXPECT_THAT(status.message(), HasSubstr("makes a room of version \"1\""));
}

TEST_F(RoomImportTest, ARoomHasNoMoreBranchesThanOneEventBringsTogether) {
  for (int i = 0; i < 20; ++i) room_.Message(absl::StrCat("M", i), kAlice, {"JoinBob"});
  EXPECT_THAT(ImportAll().latest_events, SizeIs(20));
  room_.Message("M20", kAlice, {"JoinBob"});
  const absl::Status status = Import(room_, SignedPdus(room_)).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(), AllOf(HasSubstr("ends in 21 branches"), HasSubstr("at most 20")));
}

// A thousand states at once take a thousand times the memory of one.
TEST_F(RoomImportTest, ARoomWithTooManyBranchesIsGivenUp) {
  for (int i = 0; i < 1001; ++i) room_.Message(absl::StrCat("M", i), kAlice, {"JoinBob"});
  EXPECT_THAT(Import(room_, SignedPdus(room_)).status().message(), HasSubstr("1000 states"));
}

TEST_F(RoomImportTest, BranchesThatStartAtManyEventsAreGivenUpToo) {
  for (int i = 0; i < 1001; ++i) room_.Message(absl::StrCat("M", i), kAlice);
  for (int i = 0; i < 1000; ++i) {
    room_.Message(absl::StrCat("Aside", i), kAlice, {absl::StrCat("M", i), "M1000"});
  }
  EXPECT_THAT(Import(room_, SignedPdus(room_)).status().message(), HasSubstr("1000 states"));
}

TEST_F(RoomImportTest, RejectedEventsAreNoBranches) {
  for (int i = 0; i < 1001; ++i) {
    room_.AddForbidden(absl::StrCat("Topic", i), {.sender = kBob,
                                                  .type = "m.room.topic",
                                                  .content = {{"topic", absl::StrCat(i)}},
                                                  .after = {"JoinBob"}});
  }
  EXPECT_THAT(ImportAll().refused, SizeIs(1001));
}

class ChosenIdsTest : public RoomImportTest {
 protected:
  ChosenIdsTest() : RoomImportTest("2") {}
};

TEST_F(ChosenIdsTest, TwoEventsOfOneIdAreNotBothTaken) {
  room_.Topic("Topic", kAlice);
  Event other = room_.graph().event(room_.Index("Topic"));
  other.content["topic"] = "other";
  FinishEvent(room_.version(), other);
  Json pdu = PduJson(room_.version(), other);
  pdu["signatures"] = Json::object();
  std::vector<std::string> pdus = SignedPdus(room_);
  pdus.push_back(CanonicalJson(pdu));
  const auto imported = Import(room_, pdus);
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(Refused(room_, *imported),
              ElementsAre(Pair("Topic", HasSubstr("has the id of another event"))));
}

TEST_F(ChosenIdsTest, EventsThatReferToEachOtherAreRefused) {
  room_.Message("M1", kAlice);
  room_.Message("M2", kAlice);
  Event first = room_.graph().event(room_.Index("M1"));
  first.prev_events = {ReferenceTo(room_.version(), room_.graph().event(room_.Index("M2")))};
  FinishEvent(room_.version(), first);
  Json pdu = PduJson(room_.version(), first);
  pdu["signatures"] = Json::object();
  const auto imported = Import(room_, With("M1", CanonicalJson(pdu)));
  ASSERT_EQ(imported.status(), absl::OkStatus());
  EXPECT_THAT(Refused(room_, *imported),
              ElementsAre(Pair("M1", "refers to events that refer to it"),
                          Pair("M2", "refers to events that refer to it")));
  EXPECT_THAT(Latest(room_, *imported), ElementsAre("JoinBob"));
}

}  // namespace
}  // namespace innkeeper::rooms
