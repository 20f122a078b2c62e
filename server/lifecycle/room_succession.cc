#include "server/lifecycle/room_succession.h"

#include <cstddef>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "server/lifecycle/room_records.h"
#include "server/rooms/room_links.h"
#include "storage/records.pb.h"

namespace innkeeper::lifecycle {
namespace {

using rooms::Unmoved;
using storage::RoomReader;

constexpr size_t kMaxRoomsChanged = 1000;

// Strangers too can have their rooms refer to the old one, and each takes some reads.
constexpr size_t kMaxRoomsLookedAt = 10'000;

// So many commits are lost to rooms that refer to the old one before those rooms, and before
// all such rooms, are left alone. A succession is tried six times.
constexpr int kLossesToBusyRooms = 2;
constexpr int kLossesToAnyRooms = 4;

// The types of state events by which each room refers to the old one.
using LinkingRooms = absl::btree_map<std::string, absl::btree_set<std::string>>;

absl::StatusOr<LinkingRooms> FindLinkingRooms(const RoomReader& reader,
                                              const RoomSuccession& succession) {
  LinkingRooms linking;
  absl::Status scanned =
      reader.ScanLinks(succession.old_room_id,
                       [&](const std::string& room_id, const storage::StatePosition& position) {
                         linking[room_id].insert(position.type);
                         return true;
                       });
  if (!scanned.ok()) return scanned;
  linking.erase(succession.old_room_id);
  linking.erase(succession.new_room_id);
  return linking;
}

Unmoved::Kind KindOf(const std::string& type) {
  if (type == "m.space.child") return Unmoved::Kind::kSpaceChild;
  if (type == "m.space.parent") return Unmoved::Kind::kSpaceParent;
  return Unmoved::Kind::kAllowedRoom;
}

// Repairs the links in one room.
class RoomRepair {
 public:
  RoomRepair(const RoomReader& reader, storage::Stored<storage::RoomRecord> room,
             const EditContext& context)
      : edit_(reader, std::move(room), context) {}

  absl::Status Run(const RoomSuccession& succession, const std::string& server_name,
                   rooms::UpgradeReport& report) {
    absl::StatusOr<rooms::LinkingRoom> room = Load(succession);
    if (!room.ok()) return room.status();
    rooms::LinkRepair repair = rooms::RepairLinks(
        *room, succession.sender, {succession.old_room_id, succession.new_room_id, server_name});
    for (Unmoved& unmoved : repair.unmoved) report.unmoved.Add(std::move(unmoved));
    absl::btree_set<std::string> repaired;
    for (rooms::EventDraft& draft : repair.events) {
      const std::string type = draft.type;
      absl::Status appended = edit_.Append(std::move(draft));
      if (appended.ok()) {
        repaired.insert(type);
      } else if (auto reason = ReasonOf(appended)) {
        report.unmoved.Add({KindOf(type), edit_.room().room_id(), "", *reason});
      } else {
        return appended;
      }
    }
    for (const std::string& type : repaired) {
      report.repaired_links.Add({edit_.room().room_id(), type});
    }
    return absl::OkStatus();
  }

  // Whether it comes to anything.
  bool changes_room() const { return !edit_.events().empty(); }

  absl::Status Stage(storage::RoomCommit& commit) { return edit_.Stage(commit); }

 private:
  // Why the room did not take an event; nothing if that is no fault of the event's.
  static std::optional<Unmoved::Reason> ReasonOf(const absl::Status& status) {
    if (absl::IsPermissionDenied(status)) return Unmoved::Reason::kInsufficientPower;
    if (absl::IsInvalidArgument(status)) return Unmoved::Reason::kTooLarge;
    return std::nullopt;
  }

  absl::StatusOr<rooms::LinkingRoom> Load(const RoomSuccession& succession) {
    rooms::LinkingRoom room{.version = &edit_.version(), .room_id = edit_.room().room_id()};
    for (rooms::StateKey& key : rooms::LinkPositions(succession.old_room_id, succession.sender)) {
      auto entry = edit_.State(key.type, key.state_key);
      if (!entry.ok()) return entry.status();
      if (*entry != nullptr) room.state.emplace(std::move(key), **entry);
    }
    return room;
  }

  RoomEdit edit_;
};

}  // namespace

v1::RoomUpgraded UpgradedEvent(const storage::RoomRecord& old_room,
                               const storage::RoomRecord& new_room) {
  v1::RoomUpgraded upgraded;
  upgraded.set_old_room_id(old_room.room_id());
  upgraded.set_new_room_id(new_room.room_id());
  upgraded.set_new_version(new_room.room_version());
  return upgraded;
}

absl::StatusOr<std::vector<std::string>> StageAliasMoves(storage::RoomCommit& commit,
                                                         const RoomReader& reader,
                                                         const RoomSuccession& succession) {
  absl::StatusOr<std::vector<std::string>> aliases = reader.ListAliases(succession.old_room_id);
  if (!aliases.ok()) return aliases.status();
  for (const std::string& alias : *aliases) {
    auto stored = reader.GetAlias(alias);
    if (!stored.ok()) return stored.status();
    if (!stored->has_value()) return absl::DataLossError("the index of aliases is damaged");
    storage::AliasRecord record = (*stored)->record;
    record.set_room_id(succession.new_room_id);
    commit.MoveAlias(alias, succession.old_room_id, record, (*stored)->revision);
  }
  return aliases;
}

absl::Status LinkRepairs::Stage(storage::RoomCommit& commit, const RoomReader& reader,
                                const RoomSuccession& succession, const EditContext& context,
                                rooms::UpgradeReport& report) {
  absl::StatusOr<LinkingRooms> linking = FindLinkingRooms(reader, succession);
  if (!linking.ok()) return linking.status();
  staged_.clear();
  size_t looked_at = 0;
  for (const auto& [room_id, types] : *linking) {
    const auto leave = [&, &room_id = room_id, &types = types](Unmoved::Reason reason) {
      for (const std::string& type : types) report.unmoved.Add({KindOf(type), room_id, "", reason});
    };
    if (looked_at == kMaxRoomsLookedAt) {
      leave(Unmoved::Reason::kTooMany);
      continue;
    }
    ++looked_at;
    auto room = reader.GetRoom(room_id);
    if (!room.ok()) return room.status();
    const bool is_staged = !room->has_value();
    if (is_staged || (*room)->record.status() == storage::ROOM_STATUS_RECORD_TOMBSTONED) continue;
    if (!CheckWritable((*room)->record).ok()) {
      leave(Unmoved::Reason::kUpgradeInProgress);
      continue;
    }
    if (staged_.size() == kMaxRoomsChanged || IsLeftAlone(room_id)) {
      leave(Unmoved::Reason::kTooMany);
      continue;
    }
    const storage::Revision revision = (*room)->revision;
    RoomRepair repair(reader, **std::move(room), context);
    absl::Status repaired = repair.Run(succession, context.server_name, report);
    if (!repaired.ok()) return repaired;
    if (!repair.changes_room()) continue;
    absl::Status staged = repair.Stage(commit);
    if (!staged.ok()) return staged;
    staged_.emplace_back(room_id, revision);
  }
  return absl::OkStatus();
}

void LinkRepairs::NoteLost(const RoomReader& reader) {
  bool lost_to_them = false;
  for (const auto& [room_id, revision] : staged_) {
    const auto room = reader.GetRoom(room_id);
    if (room.ok() && room->has_value() && (*room)->revision == revision) continue;
    busy_.insert(room_id);
    lost_to_them = true;
  }
  staged_.clear();
  if (lost_to_them) ++losses_;
}

bool LinkRepairs::IsLeftAlone(const std::string& room_id) const {
  if (losses_ >= kLossesToAnyRooms) return true;
  return losses_ >= kLossesToBusyRooms && busy_.contains(room_id);
}

}  // namespace innkeeper::lifecycle
