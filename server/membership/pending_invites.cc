#include "server/membership/pending_invites.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/events/event_codec.h"
#include "server/lifecycle/room_records.h"
#include "storage/room_store.h"

namespace innkeeper::membership {
namespace {

using storage::RoomReader;

using storage::RoomCommit;

// How many invites are told of in one commit.
constexpr size_t kAnnouncedAtOnce = 200;

// How long an invite that nobody acknowledges waits at most until it is told of again.
constexpr absl::Duration kLongestPause = absl::Hours(24);
constexpr int64_t kMaxDoublings = 20;

// Whether the event stream is to tell of the invite now.
bool IsDue(const storage::PendingInviteRecord& record, absl::Time now, absl::Duration period) {
  const int64_t doublings = std::min(record.reminder_count(), kMaxDoublings);
  const absl::Duration pause = std::min(period * (int64_t{1} << doublings), kLongestPause);
  return absl::FromUnixMicros(record.announce_time_us()) + pause <= now;
}

// An invite that is to be told of, as it was read.
struct DueInvite {
  RoomReader::InvitedUser user;
  storage::PendingInviteRecord record;
  RoomLabels room_labels;
};

// The labels of a room that can be joined; nothing for one that is tombstoned or being staged.
absl::StatusOr<std::optional<RoomLabels>> LabelsOfOpenRoom(const RoomReader& reader,
                                                           const std::string& room_id) {
  auto room = reader.GetRoom(room_id);
  if (!room.ok()) return room.status();
  const bool is_open =
      room->has_value() && (*room)->record.status() != storage::ROOM_STATUS_RECORD_TOMBSTONED;
  return is_open ? std::optional(lifecycle::LabelsOf((*room)->record)) : std::nullopt;
}

// Returns some of the invites that are due, from behind `after` on.
absl::StatusOr<std::vector<DueInvite>> FindDue(
    const RoomReader& reader, absl::Time now, absl::Duration period,
    const std::optional<RoomReader::InvitedUser>& after) {
  std::vector<DueInvite> due;
  std::string room_id;
  std::optional<RoomLabels> labels;  // of that room, if it counts
  absl::Status status;
  absl::Status scanned = reader.ScanPendingInvites(
      after, [&](RoomReader::InvitedUser user, storage::PendingInviteRecord record) {
        if (!IsDue(record, now, period)) return true;
        if (user.room_id != room_id) {
          auto found = LabelsOfOpenRoom(reader, user.room_id);
          status = found.status();
          if (!status.ok()) return false;
          room_id = user.room_id;
          labels = *std::move(found);
        }
        if (labels) due.push_back({std::move(user), std::move(record), *labels});
        return due.size() < kAnnouncedAtOnce;
      });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  return due;
}

// Tells of the invites, those left out that were delivered or replaced since they were
// read, or whose rooms were deleted.
absl::Status Announce(storage::Engine& engine, const std::vector<DueInvite>& due, absl::Time now) {
  storage::CommitResult result;
  do {
    const RoomReader reader(engine);
    RoomCommit commit;
    std::string room_id;
    for (const DueInvite& invite : due) {
      auto stored = reader.GetPendingInvite(invite.user.room_id, invite.user.user_id);
      if (!stored.ok()) return stored.status();
      if (!stored->has_value() || (*stored)->record.event_id() != invite.record.event_id()) {
        continue;
      }
      if (invite.user.room_id != room_id) {
        auto note = reader.GetStagedRoom(invite.user.room_id);
        if (!note.ok()) return note.status();
        if (note->has_value()) continue;  // deleted
        room_id = invite.user.room_id;
        commit.RequireStaging(room_id, 0);
      }
      v1::RoomInvitePending pending;
      pending.set_room_id(invite.user.room_id);
      pending.set_user_id(invite.user.user_id);
      pending.set_event_id(invite.record.event_id());
      commit.RequirePendingInvite(invite.user.room_id, invite.user.user_id, (*stored)->revision);
      storage::PendingInviteRecord& record = (*stored)->record;
      if (record.announce_time_us() != 0) record.set_reminder_count(record.reminder_count() + 1);
      record.set_announce_time_us(absl::ToUnixMicros(now));
      commit.PutPendingInvite(invite.user.room_id, invite.user.user_id, record);
      commit.AppendLog(EncodeEvent(pending, invite.room_labels));
    }
    result = CommitAndWait(engine, commit.Take());
  } while (absl::IsAborted(result.status));
  return result.status;
}

}  // namespace

lifecycle::Write<v1::AckInviteResponse> Acknowledge(const v1::AckInviteRequest& request,
                                                    AudienceScope scope) {
  using Outcome = lifecycle::Outcome<v1::AckInviteResponse>;
  lifecycle::Write<v1::AckInviteResponse> write;
  write.attempt = [request,
                   scope = std::move(scope)](const RoomReader& reader) -> absl::StatusOr<Outcome> {
    auto invite = reader.GetPendingInvite(request.room_id(), request.user_id());
    if (!invite.ok()) return invite.status();
    if (!invite->has_value() || (*invite)->record.event_id() != request.event_id()) {
      return Outcome();
    }
    auto room = reader.GetRoom(request.room_id());
    if (!room.ok()) return room.status();
    const bool is_staged = !room->has_value();
    if (is_staged || !scope.Includes((*room)->record.audience())) return Outcome();
    Outcome outcome;
    outcome.commit.emplace();
    outcome.commit->RequirePendingInvite(request.room_id(), request.user_id(), (*invite)->revision);
    outcome.commit->ForgetPendingInvite(request.room_id(), request.user_id());
    return outcome;
  };
  return write;
}

absl::Status AnnouncePendingInvites(storage::Engine& engine, absl::Time now,
                                    absl::Duration period) {
  std::optional<RoomReader::InvitedUser> after;
  while (true) {
    auto due = FindDue(RoomReader(engine), now, period, after);
    if (!due.ok()) return due.status();
    if (due->empty()) return absl::OkStatus();
    absl::Status announced = Announce(engine, *due, now);
    if (!announced.ok()) return announced;
    after = due->back().user;
  }
}

}  // namespace innkeeper::membership
