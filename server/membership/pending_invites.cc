#include "server/membership/pending_invites.h"

#include <string>
#include <utility>
#include <vector>

#include "server/events/event_codec.h"
#include "storage/room_store.h"

namespace innkeeper::membership {
namespace {

using storage::RoomReader;

constexpr size_t kMaxAnnounced = 1000;

absl::Status Announce(storage::Engine& engine, const RoomReader::InvitedUser& user,
                      absl::Time now) {
  auto invite = RoomReader(engine).GetPendingInvite(user.room_id, user.user_id);
  if (!invite.ok()) return invite.status();
  if (!invite->has_value()) return absl::OkStatus();
  v1::RoomInvitePending pending;
  pending.set_room_id(user.room_id);
  pending.set_user_id(user.user_id);
  pending.set_event_id((*invite)->record.event_id());
  storage::RoomCommit commit;
  commit.RequirePendingInvite(user.room_id, user.user_id, (*invite)->revision);
  (*invite)->record.set_announce_time_us(absl::ToUnixMicros(now));
  commit.PutPendingInvite(user.room_id, user.user_id, (*invite)->record);
  commit.AppendLog(EncodeEvent(pending));
  const storage::CommitResult result = CommitAndWait(engine, commit.Take());
  // Whoever was faster has delivered it or made it another one.
  return absl::IsAborted(result.status) ? absl::OkStatus() : result.status;
}

}  // namespace

lifecycle::Write<v1::AckInviteResponse> Acknowledge(const v1::AckInviteRequest& request) {
  using Outcome = lifecycle::Outcome<v1::AckInviteResponse>;
  lifecycle::Write<v1::AckInviteResponse> write;
  write.attempt = [request](const RoomReader& reader) -> absl::StatusOr<Outcome> {
    auto invite = reader.GetPendingInvite(request.room_id(), request.user_id());
    if (!invite.ok()) return invite.status();
    if (!invite->has_value() || (*invite)->record.event_id() != request.event_id()) {
      return Outcome();
    }
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
  const int64_t horizon = absl::ToUnixMicros(now - period);
  std::vector<RoomReader::InvitedUser> due;
  absl::Status scanned = RoomReader(engine).ScanPendingInvites(
      std::nullopt, [&](RoomReader::InvitedUser user, const storage::PendingInviteRecord& record) {
        if (record.announce_time_us() <= horizon) due.push_back(std::move(user));
        return due.size() < kMaxAnnounced;
      });
  if (!scanned.ok()) return scanned;
  for (const RoomReader::InvitedUser& user : due) {
    absl::Status announced = Announce(engine, user, now);
    if (!announced.ok()) return announced;
  }
  return absl::OkStatus();
}

}  // namespace innkeeper::membership
