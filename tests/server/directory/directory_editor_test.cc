#include "server/directory/directory_editor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_status.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::directory {
namespace {

using lifecycle::RequestIdentity;
using rooms::Json;
using storage::RoomCommit;
using storage::RoomReader;
using storage::RoomRecord;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kCarol[] = "@carol:example.org";
constexpr char kEve[] = "@eve:example.org";  // not in the room
constexpr char kAlias[] = "#lobby:example.org";
constexpr char kCanonicalAlias[] = "m.room.canonical_alias";

class DirectoryEditorTest : public testing::Test {
 protected:
  // Alice, who makes the rooms, has level 100, Bob and Carol 0.
  DirectoryEditorTest() : room_id_(MakeRoom()) {
    SetMembership(kBob, "join", kBob);
    SetMembership(kCarol, "join", kCarol);
    engine_.SetHook([this](const storage::CommitRequest&) { ++commits_; });
  }

  // The transactor's last steps are run by the executor.
  ~DirectoryEditorTest() override { executor_.Stop(); }

  std::string MakeRoom() {
    lifecycle::CreateRoomCommand command;
    command.spec.creator = kAlice;
    command.spec.version = rooms::FindRoomVersion("11");
    command.spec.preset = rooms::Preset::kPublicChat;
    auto created = transactor_.RunAndWait(creator_.Create(std::move(command)));
    EXPECT_TRUE(created.ok()) << created.status();
    return created->room().room_id();
  }

  // Sends a state event into the room, past the hook.
  void SetState(const std::string& type, const std::string& state_key, const Json& content,
                const std::string& sender = kAlice) {
    RoomReader reader(*store_);
    lifecycle::RoomEdit edit(reader, **reader.GetRoom(room_id_), context_);
    absl::Status appended =
        edit.Append({.type = type, .state_key = state_key, .sender = sender, .content = content});
    ASSERT_TRUE(appended.ok()) << appended;
    RoomCommit commit;
    ASSERT_TRUE(edit.Stage(commit).ok());
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  }

  void SetMembership(const std::string& user, const std::string& membership,
                     const std::string& sender) {
    SetState("m.room.member", user, {{"membership", membership}}, sender);
  }

  // Has the room's canonical alias, and its others, be these.
  void ShowAliases(const std::string& main, const std::vector<std::string>& others) {
    SetState(kCanonicalAlias, "", {{"alias", main}, {"alt_aliases", others}});
  }

  // Changes the room's head, past the hook.
  template <typename Change>
  void ChangeHead(Change change) {
    auto stored = Head();
    change(stored.record);
    RoomCommit commit;
    commit.UpdateRoom(stored.record, stored.revision);
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  }
  void Lock() {
    ChangeHead([](RoomRecord& room) { lifecycle::LockForUpgrade(room, {}); });
  }

  storage::Stored<RoomRecord> Head() const { return **RoomReader(*store_).GetRoom(room_id_); }

  absl::Status SetAlias(const std::string& alias, const std::string& requester,
                        std::optional<std::string> room_id = std::nullopt) {
    v1::SetAliasRequest request;
    request.set_alias(alias);
    request.set_room_id(room_id.value_or(room_id_));
    request.set_requester(requester);
    return transactor_.RunAndWait(editor_.SetAlias(request, {})).status();
  }

  absl::StatusOr<v1::DeleteAliasResponse> DeleteAlias(const std::string& alias,
                                                      const std::string& requester,
                                                      RequestIdentity identity = {}) {
    v1::DeleteAliasRequest request;
    request.set_alias(alias);
    request.set_requester(requester);
    return transactor_.RunAndWait(editor_.DeleteAlias(request, std::move(identity)));
  }

  absl::StatusOr<v1::SetVisibilityResponse> SetVisibility(
      bool is_public, const std::string& requester,
      std::optional<std::string> room_id = std::nullopt) {
    v1::SetVisibilityRequest request;
    request.set_room_id(room_id.value_or(room_id_));
    request.set_requester(requester);
    request.set_is_public(is_public);
    return transactor_.RunAndWait(editor_.SetVisibility(request, {}));
  }

  void MustSetAlias(const std::string& alias, const std::string& requester) {
    const absl::Status status = SetAlias(alias, requester);
    ASSERT_TRUE(status.ok()) << status;
    commits_ = 0;
  }

  // The room that the alias points at; "" if there is no such alias.
  std::string RoomOf(const std::string& alias) const {
    auto stored = *RoomReader(*store_).GetAlias(alias);
    return stored ? stored->record.room_id() : "";
  }

  std::vector<std::string> Aliases() const { return *RoomReader(*store_).ListAliases(room_id_); }

  std::string CanonicalAliasContent() const {
    auto state = *RoomReader(*store_).GetState(room_id_, kCanonicalAlias, "");
    return state ? state->content() : "";
  }

  std::vector<std::string> ListedRooms() const {
    std::vector<std::string> rooms;
    EXPECT_TRUE(RoomReader(*store_)
                    .ScanListedRooms(std::nullopt,
                                     [&](const RoomReader::ListedRoom& room) {
                                       rooms.push_back(room.room_id);
                                       return true;
                                     })
                    .ok());
    return rooms;
  }

  // Whether `status` is INSUFFICIENT_POWER with these levels, and nothing was
  // written.
  void ExpectPowerless(const absl::Status& status, const std::string& required,
                       const std::string& actual) {
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INSUFFICIENT_POWER) << status;
    EXPECT_EQ(MetadataOf(status, "required"), required);
    EXPECT_EQ(MetadataOf(status, "actual"), actual);
    EXPECT_EQ(commits_, 0);
  }

  TempDir dir_;
  Clock clock_ = [] { return absl::FromUnixSeconds(1'700'000'000); };
  RandomBytes random_ = SecureRandom();
  std::unique_ptr<storage::Engine> store_ = storage::OpenTestEngine(dir_.File("data"));
  storage::HookedEngine engine_{*store_};
  Executor executor_{2, 1000};
  lifecycle::Transactor transactor_{engine_, executor_, clock_, {}};
  lifecycle::RoomCreator creator_{clock_, random_, {.server_name = "example.org"}};
  lifecycle::EditContext context_{clock_, random_, "example.org"};
  DirectoryEditor editor_{engine_, context_};
  const std::string room_id_;
  int commits_ = 0;
};

// What can be written, by somebody who may, for rules that hold for all of it.
class DirectoryWriteTest : public DirectoryEditorTest {
 protected:
  struct NamedWrite {
    std::string name;
    std::function<absl::Status(const std::string& requester)> run;
  };

  DirectoryWriteTest() {
    MustSetAlias("#plain:example.org", kAlice);
    MustSetAlias("#shown:example.org", kAlice);
    ShowAliases("#shown:example.org", {});
  }

  std::vector<NamedWrite> Writes() {
    return {{"set an alias", [this](const std::string& user) { return SetAlias(kAlias, user); }},
            {"list the room",
             [this](const std::string& user) { return SetVisibility(true, user).status(); }},
            {"delete an alias",
             [this](const std::string& user) {
               return DeleteAlias("#plain:example.org", user).status();
             }},
            {"delete the canonical alias", [this](const std::string& user) {
               return DeleteAlias("#shown:example.org", user).status();
             }}};
  }

  // What somebody gets who is not joined to the room.
  absl::Status AsForNothing(const NamedWrite& write) const {
    if (write.name == "delete an alias") return lifecycle::AliasNotFound("#plain:example.org");
    if (write.name == "delete the canonical alias") {
      return lifecycle::AliasNotFound("#shown:example.org");
    }
    return lifecycle::RoomNotFound(room_id_);
  }
};

TEST_F(DirectoryWriteTest, AreOneCommitThatCountsAsAChangeOfTheRoom) {
  for (const NamedWrite& write : Writes()) {
    SCOPED_TRACE(write.name);
    const auto before = Head();
    commits_ = 0;
    const absl::Status status = write.run(kAlice);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(commits_, 1);
    EXPECT_EQ(Head().record.revision(), before.record.revision() + 1);
    // An upgrade that had read the room before has to look again.
    RoomCommit late;
    late.UpdateRoom(before.record, before.revision);
    EXPECT_TRUE(absl::IsAborted(CommitAndWait(*store_, late.Take()).status));
  }
}

TEST_F(DirectoryWriteTest, SeeAnUpgradeThatBeginsMeanwhile) {
  engine_.SetHook([this](const storage::CommitRequest&) {
    if (Head().record.status() == storage::ROOM_STATUS_RECORD_ACTIVE) Lock();
  });
  for (const NamedWrite& write : Writes()) {
    SCOPED_TRACE(write.name);
    EXPECT_EQ(ReasonOf(write.run(kAlice)), v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
    ChangeHead([](RoomRecord& room) { lifecycle::ReleaseLock(room); });
  }
}

TEST_F(DirectoryWriteTest, AreRefusedWhileTheRoomIsUpgradedAndAfter) {
  Lock();
  for (const NamedWrite& write : Writes()) {
    EXPECT_EQ(ReasonOf(write.run(kAlice)), v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS) << write.name;
  }
  ChangeHead([](RoomRecord& room) { lifecycle::Tombstone(room, "!new:example.org"); });
  for (const NamedWrite& write : Writes()) {
    const absl::Status status = write.run(kAlice);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ROOM_TOMBSTONED) << write.name;
    EXPECT_EQ(MetadataOf(status, "successor_room_id"), "!new:example.org") << write.name;
  }
  EXPECT_EQ(commits_, 0);
}

TEST_F(DirectoryWriteTest, AreForJoinedUsersAndOthersLearnNothing) {
  const std::vector<std::pair<std::string, std::string>> outsiders = {
      {"@invited:example.org", "invite"}, {"@banned:example.org", "ban"}};
  for (const auto& [user, membership] : outsiders) SetMembership(user, membership, kAlice);
  SetMembership(kCarol, "leave", kCarol);
  Lock();  // not to be learned either
  for (const NamedWrite& write : Writes()) {
    for (const std::string user : {"@invited:example.org", "@banned:example.org", kCarol, kEve}) {
      EXPECT_EQ(write.run(user), AsForNothing(write)) << write.name << " as " << user;
    }
  }
  EXPECT_EQ(commits_, 0);
}

TEST_F(DirectoryEditorTest, AFreeAliasIsPointedAtTheRoomByAnyMember) {
  ASSERT_TRUE(SetAlias(kAlias, kBob).ok());
  auto stored = *RoomReader(*store_).GetAlias(kAlias);
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->record.room_id(), room_id_);
  EXPECT_EQ(stored->record.creator(), kBob);
  EXPECT_THAT(Aliases(), ElementsAre(kAlias));
}

TEST_F(DirectoryEditorTest, AnAliasThatIsSetAlreadyIsNotWrittenAgain) {
  MustSetAlias(kAlias, kBob);
  EXPECT_TRUE(SetAlias(kAlias, kAlice).ok());
  EXPECT_EQ(commits_, 0);
  EXPECT_EQ((*RoomReader(*store_).GetAlias(kAlias))->record.creator(), kBob);
}

TEST_F(DirectoryEditorTest, AnAliasOfAnotherRoomIsInUse) {
  MustSetAlias(kAlias, kAlice);
  const std::string other = MakeRoom();
  commits_ = 0;
  EXPECT_EQ(SetAlias(kAlias, kAlice, other), lifecycle::AliasInUse(kAlias));
  EXPECT_EQ(commits_, 0);
  EXPECT_EQ(RoomOf(kAlias), room_id_);
}

TEST_F(DirectoryEditorTest, ARoomThatIsNotThereIsNotFound) {
  const std::string nowhere = "!nowhere:example.org";
  EXPECT_EQ(SetAlias(kAlias, kAlice, nowhere), lifecycle::RoomNotFound(nowhere));
  EXPECT_EQ(SetVisibility(true, kAlice, nowhere).status(), lifecycle::RoomNotFound(nowhere));
}

TEST_F(DirectoryEditorTest, AnAliasIsDeletedByItsCreatorWithoutPower) {
  MustSetAlias(kAlias, kBob);
  auto deleted = DeleteAlias(kAlias, kBob);
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->room_id(), room_id_);
  EXPECT_EQ(RoomOf(kAlias), "");
  EXPECT_THAT(Aliases(), IsEmpty());
  EXPECT_EQ(CanonicalAliasContent(), "") << "there was no need for an event";
}

TEST_F(DirectoryEditorTest, AnAliasIsDeletedByOthersWithPowerOnly) {
  MustSetAlias(kAlias, kBob);
  ExpectPowerless(DeleteAlias(kAlias, kCarol).status(), "50", "0");
  EXPECT_EQ(RoomOf(kAlias), room_id_);
  EXPECT_TRUE(DeleteAlias(kAlias, kAlice).ok());
  EXPECT_EQ(RoomOf(kAlias), "");
}

TEST_F(DirectoryEditorTest, TheRoomNoLongerShowsAnAliasThatIsDeleted) {
  MustSetAlias(kAlias, kBob);
  ShowAliases(kAlias, {"#other:example.org", kAlias});
  ASSERT_EQ(Head().record.canonical_alias(), kAlias);
  const auto log_head = store_->log_bounds().head;
  ASSERT_TRUE(DeleteAlias(kAlias, kAlice).ok());
  EXPECT_EQ(CanonicalAliasContent(), R"({"alt_aliases":["#other:example.org"]})");
  EXPECT_EQ(Head().record.canonical_alias(), "");
  EXPECT_EQ(RoomOf(kAlias), "");
  auto entries = *store_->ReadLog(log_head + 1, 10, 1 << 20);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(DecodeEvent(entries[0])->room_state_changed().type(), kCanonicalAlias);
}

TEST_F(DirectoryEditorTest, TheCreatorNeedsPowerToDeleteAnAliasThatTheRoomShows) {
  MustSetAlias(kAlias, kBob);
  for (const std::string main : {kAlias, "#other:example.org"}) {
    ShowAliases(main, {kAlias});
    ExpectPowerless(DeleteAlias(kAlias, kBob).status(), "50", "0");
    EXPECT_EQ(RoomOf(kAlias), room_id_);
  }
}

TEST_F(DirectoryEditorTest, AnAliasThatIsNotThereIsNotFound) {
  const absl::Status status = DeleteAlias(kAlias, kAlice).status();
  EXPECT_EQ(status, lifecycle::AliasNotFound(kAlias));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ALIAS_NOT_FOUND);
}

TEST_F(DirectoryEditorTest, WhoeverMadeAnAliasAndIsOutOfTheRoomCannotTakeItAlong) {
  MustSetAlias(kAlias, kBob);
  SetMembership(kBob, "ban", kAlice);
  EXPECT_EQ(DeleteAlias(kAlias, kBob).status(), lifecycle::AliasNotFound(kAlias));
  EXPECT_EQ(RoomOf(kAlias), room_id_);
}

TEST_F(DirectoryEditorTest, ARepeatedDeleteGetsTheFirstAnswer) {
  MustSetAlias(kAlias, kBob);
  const RequestIdentity identity = {{"backend", "id"}, "fingerprint"};
  ASSERT_TRUE(DeleteAlias(kAlias, kBob, identity).ok());
  auto again = DeleteAlias(kAlias, kBob, identity);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->room_id(), room_id_);
  EXPECT_EQ(commits_, 1);
}

TEST_F(DirectoryEditorTest, ManyAliasesOfARoomAreDeletedAtOnce) {
  constexpr int kCount = 40;
  auto alias = [](int i) { return absl::StrCat("#", i, ":example.org"); };
  for (int i = 0; i < kCount; ++i) MustSetAlias(alias(i), kBob);
  absl::BlockingCounter running(kCount);
  for (int i = 0; i < kCount; ++i) {
    v1::DeleteAliasRequest request;
    request.set_alias(alias(i));
    request.set_requester(kBob);
    transactor_.Run<v1::DeleteAliasResponse>(editor_.DeleteAlias(request, {}),
                                             [&](const auto& response) {
                                               EXPECT_TRUE(response.ok()) << response.status();
                                               running.DecrementCount();
                                             });
  }
  running.Wait();
  EXPECT_THAT(Aliases(), IsEmpty());
}

TEST_F(DirectoryEditorTest, ARoomIsListedAndTakenOffTheListByThoseWithPower) {
  ASSERT_THAT(ListedRooms(), IsEmpty());
  ExpectPowerless(SetVisibility(true, kBob).status(), "50", "0");
  auto listed = SetVisibility(true, kAlice);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_TRUE(listed->room().is_public());
  EXPECT_EQ(listed->room().revision(), Head().record.revision());
  EXPECT_THAT(ListedRooms(), ElementsAre(room_id_));
  ASSERT_TRUE(SetVisibility(false, kAlice).ok());
  EXPECT_FALSE(Head().record.is_public());
  EXPECT_THAT(ListedRooms(), IsEmpty());
}

TEST_F(DirectoryEditorTest, AVisibilityThatIsSetAlreadyIsNotWrittenAgain) {
  ASSERT_TRUE(SetVisibility(true, kAlice).ok());
  commits_ = 0;
  auto again = SetVisibility(true, kAlice);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->room().is_public());
  EXPECT_EQ(commits_, 0);
}

TEST_F(DirectoryEditorTest, PowerIsWhatTheRoomSaysItIs) {
  SetState("m.room.power_levels", "",
           {{"users", {{kAlice, 100}, {kBob, 30}}}, {"events", {{kCanonicalAlias, 30}}}});
  MustSetAlias(kAlias, kAlice);
  EXPECT_TRUE(SetVisibility(true, kBob).ok());
  EXPECT_TRUE(DeleteAlias(kAlias, kBob).ok());
  commits_ = 0;
  ExpectPowerless(SetVisibility(false, kCarol).status(), "30", "0");
}

}  // namespace
}  // namespace innkeeper::directory
