// File: server/membership/change_membership.h
//
// The use cases of RoomMembership that write: each is one m.room.member event.

#ifndef INNKEEPER_SERVER_MEMBERSHIP_CHANGE_MEMBERSHIP_H_
#define INNKEEPER_SERVER_MEMBERSHIP_CHANGE_MEMBERSHIP_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "innkeeper/v1/room_membership.pb.h"
#include "server/lifecycle/room_edit.h"
#include "server/lifecycle/transaction.h"
#include "storage/room_store.h"

namespace innkeeper::membership {

enum class Action { kInvite, kJoin, kLeave, kKick, kBan, kUnban, kKnock };

struct MembershipCommand {
  Action action = Action::kJoin;
  std::string room;  // its id; for a join or knock also an alias
  std::string requester;
  std::string user_id;  // whose membership; the requester's own in joins, leaves and knocks
  std::string reason;
  std::string displayname;  // of joins and knocks
  std::string avatar_url;   // of joins and knocks
  bool is_direct = false;   // of invites
  lifecycle::RequestIdentity identity;
};

// Returns OK, or INVALID_REQUEST that names every field of the request that is wrong.
absl::Status CheckCommand(const MembershipCommand& command, absl::string_view server_name);

// Changes memberships. Thread-safe.
class MembershipChanger {
 public:
  MembershipChanger(const storage::Engine& engine, lifecycle::EditContext context)
      : engine_(engine), context_(std::move(context)) {}

  // The write that a checked command asks for. Errors as documented for the RPC. The
  // changer must outlive it.
  template <typename Response>
  lifecycle::Write<Response> Change(MembershipCommand command) {
    lifecycle::Write<Response> write;
    write.identity = command.identity;
    write.room_id = RoomOf(command);
    write.attempt =
        [this, command = std::move(command)](
            const storage::RoomReader& reader) -> absl::StatusOr<lifecycle::Outcome<Response>> {
      absl::StatusOr<Changed> changed = Try(command, reader);
      if (!changed.ok()) return changed.status();
      lifecycle::Outcome<Response> outcome{Response(), std::move(changed->commit)};
      *outcome.response.mutable_member() = std::move(changed->member);
      if constexpr (requires { outcome.response.set_room_id(changed->room_id); }) {
        outcome.response.set_room_id(std::move(changed->room_id));
      }
      return outcome;
    };
    return write;
  }

 private:
  // What a change comes to.
  struct Changed {
    std::string room_id;
    v1::RoomMember member;
    std::optional<storage::RoomCommit> commit;  // none if nothing changes
  };

  // The id of the room that a command is about, as far as it can be told now; or "".
  std::string RoomOf(const MembershipCommand& command) const;

  absl::StatusOr<Changed> Try(const MembershipCommand& command,
                              const storage::RoomReader& reader) const;

  const storage::Engine& engine_;
  const lifecycle::EditContext context_;
};

}  // namespace innkeeper::membership

#endif  // INNKEEPER_SERVER_MEMBERSHIP_CHANGE_MEMBERSHIP_H_
