#include "server/lifecycle/upgrade_planning.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "server/lifecycle/room_records.h"
#include "server/rooms/event_types.h"
#include "server/rooms/json.h"
#include "server/rooms/old_room.h"

namespace innkeeper::lifecycle {
namespace {

using rooms::kMemberType;
using storage::RoomReader;
using storage::RoomRecord;

// How many members are read at a time.
constexpr size_t kMembersAtOnce = 100;

// Adds to `state` what `query` finds before the first member.
absl::Status AddStateUpToMembers(const RoomReader& reader, const RoomReader::StateQuery& query,
                                 rooms::RoomState& state) {
  absl::Status status;
  absl::Status scanned = reader.ScanState(
      query, [&](storage::StatePosition position, const storage::StateRecord& record) {
        if (position.type == kMemberType) return false;
        absl::StatusOr<rooms::StateEntry> entry = ToStateEntry(record);
        status = entry.status();
        if (!status.ok()) return false;
        state.emplace(rooms::StateKey{std::move(position.type), std::move(position.state_key)},
                      *std::move(entry));
        return true;
      });
  return scanned.ok() ? status : scanned;
}

absl::StatusOr<rooms::RoomState> LoadStateWithoutMembers(const RoomReader& reader,
                                                         const RoomRecord& room) {
  rooms::RoomState state;
  RoomReader::StateQuery query{.room_id = room.room_id(), .revision = room.revision()};
  absl::Status added = AddStateUpToMembers(reader, query, state);
  if (!added.ok()) return added;
  query.after_type = kMemberType;
  added = AddStateUpToMembers(reader, query, state);
  if (!added.ok()) return added;
  return state;
}

// Reads the members of a room.
class MemberPages {
 public:
  MemberPages(const RoomReader& reader, const RoomRecord& room)
      : reader_(reader),
        query_{.room_id = room.room_id(), .revision = room.revision(), .type = kMemberType} {}

  // The next members; none behind the last.
  absl::StatusOr<std::vector<rooms::OldMember>> Next() {
    std::vector<rooms::OldMember> members;
    absl::Status status;
    absl::Status scanned = reader_.ScanState(
        query_, [&](storage::StatePosition position, const storage::StateRecord& record) {
          absl::StatusOr<rooms::StateEntry> entry = ToStateEntry(record);
          status = entry.status();
          if (!status.ok()) return false;
          members.push_back({std::move(position.state_key), std::move(entry->content)});
          return members.size() < kMembersAtOnce;
        });
    if (!scanned.ok()) return scanned;
    if (!status.ok()) return status;
    if (!members.empty()) query_.after = {kMemberType, members.back().user_id};
    return members;
  }

 private:
  const RoomReader& reader_;
  RoomReader::StateQuery query_;
};

int64_t CountPresent(const std::vector<rooms::OldMember>& members) {
  int64_t count = 0;
  for (const rooms::OldMember& member : members) {
    const absl::string_view membership = rooms::StringViewOrEmpty(member.content, "membership");
    if (membership == "join" || membership == "invite") ++count;
  }
  return count;
}

}  // namespace

absl::StatusOr<PlannedUpgrade> PlanUpgrade(const RoomReader& reader, const RoomRecord& room,
                                           const UpgradeTarget& target,
                                           const rooms::BuildContext& context, TakeEvents take) {
  absl::StatusOr<rooms::RoomState> state = LoadStateWithoutMembers(reader, room);
  if (!state.ok()) return state.status();
  rooms::OldRoom old_room{&VersionOf(room), TipOf(room), *std::move(state)};
  absl::Status status =
      AddNamedMembers(reader, room, target.actor, target.options, context.server_name, old_room);
  if (!status.ok()) return status;
  auto sender = Permit(old_room, target.actor, target.options, context.server_name);
  if (!sender.ok()) return sender.status();

  rooms::UpgradePlanner planner(std::move(old_room), *std::move(sender), target.version,
                                target.options, context);
  int64_t processed = 0;
  const auto hand_over = [&](absl::StatusOr<std::vector<rooms::Event>> events) {
    return events.ok() ? take(*std::move(events), processed) : events.status();
  };
  status = hand_over(planner.Open());
  MemberPages pages(reader, room);
  while (status.ok()) {
    absl::StatusOr<std::vector<rooms::OldMember>> members = pages.Next();
    if (!members.ok()) return members.status();
    if (members->empty()) break;
    processed += CountPresent(*members);
    status = hand_over(planner.AddMembers(*members));
  }
  if (!status.ok()) return status;
  auto closing = planner.Close();
  if (!closing.ok()) return closing.status();
  status = take(std::move(closing->new_room_events), processed);
  if (!status.ok()) return status;
  return PlannedUpgrade{.new_room_id = planner.new_room_id(),
                        .old_room_events = std::move(closing->old_room_events),
                        .new_room = std::move(closing->new_room),
                        .report = planner.report()};
}

}  // namespace innkeeper::lifecycle
