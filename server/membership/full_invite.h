// File: server/membership/full_invite.h
//
// Invites of users of other servers with all that it takes to deliver them.

#ifndef INNKEEPER_SERVER_MEMBERSHIP_FULL_INVITE_H_
#define INNKEEPER_SERVER_MEMBERSHIP_FULL_INVITE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_membership.pb.h"
#include "server/events/event_codec.h"
#include "server/events/event_completer.h"
#include "server/rooms/signing.h"
#include "storage/engine.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::membership {

// Returns the invite of `user_id` to `room` that `record` notes, signed with `key`, and
// what the invited user may see of the room. Both records were read with `reader`. Errors
// of RoomReader; DATA_LOSS if the invite is not there.
absl::StatusOr<v1::PendingInvite> InviteInFull(const storage::RoomReader& reader,
                                               const rooms::SigningKey& key,
                                               const storage::RoomRecord& room,
                                               const std::string& user_id,
                                               const storage::PendingInviteRecord& record);

// Adds to "room.invite.pending" the invite as InviteInFull has it, as long as it waits.
// Errors are logged, and leave the event as it is. Thread-safe.
class InviteCompleter final : public EventCompleter {
 public:
  // The references must outlive the completer.
  InviteCompleter(const storage::Engine& engine, const rooms::SigningKey& key)
      : engine_(engine), key_(key) {}

  bool MayComplete(absl::string_view type) const override { return type == kRoomInvitePendingType; }
  void Complete(v1::RoomEvent& event) const override;

 private:
  const storage::Engine& engine_;
  const rooms::SigningKey& key_;
};

}  // namespace innkeeper::membership

#endif  // INNKEEPER_SERVER_MEMBERSHIP_FULL_INVITE_H_
