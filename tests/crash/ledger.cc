#include "tests/crash/ledger.h"

#include <algorithm>
#include <utility>

#include "absl/random/random.h"

namespace innkeeper::crash {

void Ledger::AddOperations(Operations operations) {
  for (CreateOperation& operation : operations.creates) {
    const std::string creator = operation.request.creator();
    new_creates_.push_back(creator);
    creates_.emplace(creator, std::move(operation));
  }
  for (UpgradeOperation& operation : operations.upgrades) {
    const std::string room_id = operation.request.room_id();
    touched_.insert(room_id);
    new_upgrades_.insert(room_id);
    upgrades_[room_id].push_back(std::move(operation));
  }
}

void Ledger::AddEvents(const std::vector<v1::RoomEvent>& events) {
  const v1::RoomEvent* before = nullptr;
  for (const v1::RoomEvent& event : events) {
    violations_.Expect(event.sequence() == head_sequence_ + 1, "the log has event ",
                       event.sequence(), " behind event ", head_sequence_);
    head_sequence_ = event.sequence();
    const bool is_half = before != nullptr && before->has_room_created() &&
                         !before->room_created().predecessor_room_id().empty() &&
                         !event.has_room_upgraded();
    violations_.Expect(!is_half, "room ", before != nullptr ? before->room_id() : "",
                       " replaces another one, and the log does not go on with that upgrade");
    touched_.insert(event.room_id());
    if (event.has_room_created()) {
      AddCreated(event.room_created());
    } else if (event.has_room_upgraded()) {
      AddUpgraded(event, before);
    } else if (event.has_room_upgrade_failed()) {
      AddFailed(event.room_upgrade_failed());
    } else if (!event.has_room_invite_pending() && !event.has_room_upgrade_progress()) {
      violations_.Add("event ", event.sequence(), " is of an unknown type: ", event.type());
    }
    before = &event;
  }
  violations_.Expect(before == nullptr || !before->has_room_created() ||
                         before->room_created().predecessor_room_id().empty(),
                     "the log ends within the commit of an upgrade");
}

void Ledger::AddCreated(const v1::RoomCreated& created) {
  const bool is_new = rooms_.emplace(created.room_id(), LoggedRoom{created, ""}).second;
  if (!violations_.Expect(is_new, "room ", created.room_id(), " was created twice")) return;
  room_ids_.push_back(created.room_id());
  if (!created.predecessor_room_id().empty()) return;
  const auto [first, inserted] = room_by_creator_.emplace(created.creator_id(), created.room_id());
  violations_.Expect(inserted, "one request made the rooms ", first->second, " and ",
                     created.room_id());
}

void Ledger::AddUpgraded(const v1::RoomEvent& event, const v1::RoomEvent* before) {
  const v1::RoomUpgraded& upgraded = event.room_upgraded();
  violations_.Expect(before != nullptr && before->commit_id() == event.commit_id() &&
                         before->room_created().room_id() == upgraded.new_room_id() &&
                         before->room_created().room_version() == upgraded.new_version() &&
                         before->room_created().predecessor_room_id() == upgraded.old_room_id(),
                     "event ", event.sequence(), " does not go with the event before it");
  const auto old_room = rooms_.find(upgraded.old_room_id());
  if (!violations_.Expect(old_room != rooms_.end(), "room ", upgraded.old_room_id(),
                          " was replaced and never created")) {
    return;
  }
  std::string& successor = old_room->second.successor;
  violations_.Expect(successor.empty(), "room ", upgraded.old_room_id(), " has the successors ",
                     successor, " and ", upgraded.new_room_id());
  successor = upgraded.new_room_id();
}

void Ledger::AddFailed(const v1::RoomUpgradeFailed& failed) {
  switch (failed.reason()) {
    case v1::UPGRADE_FAILURE_REASON_UPGRADE_IN_PROGRESS:
      ++failures_[failed.room_id()].in_progress;
      break;
    case v1::UPGRADE_FAILURE_REASON_INTERRUPTED:
      ++failures_[failed.room_id()].interrupted;
      ++interrupted_;
      break;
    default:
      violations_.Add("an upgrade of room ", failed.room_id(), " failed for the reason ",
                      v1::UpgradeFailureReason_Name(failed.reason()));
  }
}

std::vector<CreateOperation*> Ledger::RepeatableCreates() {
  std::vector<CreateOperation*> repeatable;
  for (const std::string& creator : new_creates_) {
    CreateOperation& operation = creates_.at(creator);
    if (operation.outcome == Outcome::kUnknown && !operation.request.request_id().empty()) {
      repeatable.push_back(&operation);
    }
  }
  return repeatable;
}

std::vector<UpgradeOperation*> Ledger::RepeatableUpgrades() {
  std::vector<UpgradeOperation*> repeatable;
  for (const std::string& room_id : new_upgrades_) {
    for (UpgradeOperation& operation : upgrades_.at(room_id)) {
      if (operation.outcome == Outcome::kUnknown && !operation.request.request_id().empty()) {
        repeatable.push_back(&operation);
      }
    }
  }
  return repeatable;
}

void Ledger::CheckNewOperations() {
  CheckOperations(std::exchange(new_creates_, {}), std::exchange(new_upgrades_, {}),
                  std::exchange(checked_rooms_, room_ids_.size()));
}

void Ledger::CheckAllOperations() {
  std::vector<std::string> creators;
  for (const auto& [creator, operation] : creates_) creators.push_back(creator);
  std::set<std::string> upgraded_rooms;
  for (const auto& [room_id, operations] : upgrades_) upgraded_rooms.insert(room_id);
  CheckOperations(creators, upgraded_rooms, 0);
}

void Ledger::CheckOperations(const std::vector<std::string>& creators,
                             const std::set<std::string>& upgraded_rooms, size_t first_room) {
  for (const std::string& creator : creators) EnterAlias(creates_.at(creator));
  for (const std::string& creator : creators) CheckCreate(creates_.at(creator));
  for (const std::string& room_id : upgraded_rooms) CheckUpgrades(room_id);
  for (size_t i = first_room; i < room_ids_.size(); ++i) {
    CheckOrigin(room_ids_[i], rooms_.at(room_ids_[i]));
  }
}

void Ledger::EnterAlias(const CreateOperation& operation) {
  const std::string& creator = operation.request.creator();
  if (operation.request.alias().empty() || !room_by_creator_.contains(creator)) return;
  const auto [owner, inserted] = creator_by_alias_.emplace(operation.request.alias(), creator);
  violations_.Expect(owner->second == creator, "the rooms of ", owner->second, " and ", creator,
                     " were created with one alias");
}

void Ledger::CheckCreate(const CreateOperation& operation) {
  const std::string& creator = operation.request.creator();
  const auto room = room_by_creator_.find(creator);
  const std::string room_id = room == room_by_creator_.end() ? "" : room->second;
  switch (operation.outcome) {
    case Outcome::kUnknown:
      return;
    case Outcome::kDone:
      violations_.Expect(room_id == operation.response.room().room_id(), "room ",
                         operation.response.room().room_id(),
                         " was acknowledged; the log has instead: ", room_id);
      return;
    case Outcome::kRefused:
      violations_.Expect(room_id.empty(), "the creation of room ", room_id, " was refused");
      if (operation.reason == "SHUTTING_DOWN") return;
      const auto owner = creator_by_alias_.find(operation.request.alias());
      violations_.Expect(operation.reason == "ALIAS_IN_USE" && owner != creator_by_alias_.end() &&
                             owner->second != creator,
                         "the creation of a room of ", creator, " was refused: ", operation.reason);
  }
}

void Ledger::CheckUpgrades(const std::string& room_id) {
  const LoggedRoom* room = Find(room_id);
  if (!violations_.Expect(room != nullptr, "room ", room_id, " is not in the log")) return;
  int64_t in_progress = 0;
  int64_t unanswered = 0;
  for (const UpgradeOperation& operation : upgrades_.at(room_id)) {
    CheckUpgrade(operation, *room);
    if (operation.was_unknown) ++unanswered;
    if (operation.reason == "ROOM_UPGRADE_IN_PROGRESS") ++in_progress;
  }
  const Failures& failures = failures_[room_id];
  violations_.Expect(
      in_progress <= failures.in_progress && failures.in_progress <= in_progress + unanswered,
      "room ", room_id, ": ", in_progress, " upgrades were told of another one, ", unanswered,
      " were not answered, and the log tells of ", failures.in_progress);
  violations_.Expect(failures.interrupted <= unanswered, "room ", room_id, ": ", unanswered,
                     " upgrades were not answered, and the log tells of ", failures.interrupted,
                     " that were interrupted");
}

void Ledger::CheckUpgrade(const UpgradeOperation& operation, const LoggedRoom& room) {
  const std::string& room_id = room.created.room_id();
  switch (operation.outcome) {
    case Outcome::kUnknown:
      return;
    case Outcome::kDone:
      violations_.Expect(
          room.successor == operation.response.room().room_id() && MadeSuccessor(operation, room),
          "the upgrade of room ", room_id, " to ", operation.response.room().room_id(),
          " was acknowledged; the log has instead: ", room.successor);
      return;
    case Outcome::kRefused:
      if (operation.reason == "ROOM_UPGRADE_IN_PROGRESS") return;
      if (operation.reason == "SHUTTING_DOWN") return;
      const auto successor = operation.error_metadata.find("successor_room_id");
      violations_.Expect(operation.reason == "ROOM_TOMBSTONED" && !room.successor.empty() &&
                             successor != operation.error_metadata.end() &&
                             successor->second == room.successor,
                         "the upgrade of room ", room_id, " was refused: ", operation.reason);
  }
}

void Ledger::CheckOrigin(const std::string& room_id, const LoggedRoom& room) {
  const std::string& predecessor = room.created.predecessor_room_id();
  if (predecessor.empty()) {
    violations_.Expect(creates_.contains(room.created.creator_id()), "nobody asked for room ",
                       room_id);
    return;
  }
  const LoggedRoom* old_room = Find(predecessor);
  const auto upgrades = upgrades_.find(predecessor);
  const bool asked_for =
      old_room != nullptr && upgrades != upgrades_.end() &&
      std::any_of(upgrades->second.begin(), upgrades->second.end(), [&](const auto& operation) {
        return operation.outcome != Outcome::kRefused && MadeSuccessor(operation, *old_room);
      });
  violations_.Expect(asked_for && old_room->successor == room_id, "nobody asked for room ", room_id,
                     ", which replaces room ", predecessor);
}

bool Ledger::MadeSuccessor(const UpgradeOperation& operation, const LoggedRoom& room) const {
  const LoggedRoom* successor = Find(room.successor);
  return successor != nullptr &&
         successor->created.room_version() == operation.request.new_version() &&
         successor->created.creator_id() == operation.request.requester();
}

std::set<std::string> Ledger::TakeTouchedRooms() { return std::exchange(touched_, {}); }

const LoggedRoom* Ledger::Find(const std::string& room_id) const {
  const auto room = rooms_.find(room_id);
  return room == rooms_.end() ? nullptr : &room->second;
}

std::optional<ExpectedRoom> Ledger::Expect(const std::string& room_id) const {
  const LoggedRoom* room = Find(room_id);
  if (room == nullptr) return std::nullopt;
  if (!room->created.predecessor_room_id().empty()) {
    std::optional<ExpectedRoom> old_room = Expect(room->created.predecessor_room_id());
    if (!old_room) return std::nullopt;
    return ExpectSuccessor(*old_room, room->created.room_version());
  }
  const auto operation = creates_.find(room->created.creator_id());
  if (operation == creates_.end()) return std::nullopt;
  return ExpectCreated(operation->second.request);
}

LedgerTotals Ledger::Totals() const {
  LedgerTotals totals;
  const auto count = [&totals](const auto& operation, int64_t& acknowledged) {
    if (operation.outcome == Outcome::kDone) ++acknowledged;
    if (operation.outcome == Outcome::kRefused) ++totals.refused[operation.reason];
    if (operation.was_unknown) ++totals.unanswered;
    if (operation.was_unknown && operation.outcome != Outcome::kUnknown) ++totals.repeated;
  };
  for (const auto& [creator, operation] : creates_) count(operation, totals.creates_acknowledged);
  for (const auto& [room_id, operations] : upgrades_) {
    for (const auto& operation : operations) count(operation, totals.upgrades_acknowledged);
  }
  return totals;
}

std::vector<Target> Ledger::PickActive(int count, std::mt19937_64& random) const {
  std::vector<Target> targets;
  for (int i = 0; i < count && !room_ids_.empty(); ++i) {
    const LoggedRoom* room = Find(room_ids_[absl::Uniform<size_t>(random, 0, room_ids_.size())]);
    if (room->successor.empty()) {
      targets.push_back({room->created.room_id(), room->created.creator_id()});
    }
  }
  return targets;
}

}  // namespace innkeeper::crash
