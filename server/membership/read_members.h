// File: server/membership/read_members.h
//
// The use cases of RoomMembership that read.

#ifndef INNKEEPER_SERVER_MEMBERSHIP_READ_MEMBERS_H_
#define INNKEEPER_SERVER_MEMBERSHIP_READ_MEMBERS_H_

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_membership.pb.h"
#include "server/base/audience.h"
#include "server/base/signed_token.h"
#include "server/rooms/signing.h"
#include "storage/engine.h"
#include "storage/room_store.h"

namespace innkeeper::membership {

// Answers the calls that read memberships, whose requests were checked and whose
// callers may read as their requesters. Thread-safe. Blocks while it reads from the
// disk. Errors as documented for the RPCs, and those without a reason that are
// internal.
class MemberBrowser {
 public:
  // The references must outlive the browser.
  MemberBrowser(const storage::Engine& engine, const TokenSigner& signer,
                const rooms::SigningKey& key)
      : engine_(engine), signer_(signer), key_(key) {}

  absl::StatusOr<v1::ListMembersResponse> ListMembers(const v1::ListMembersRequest& request,
                                                      const AudienceScope& scope) const;

  // Of the user's rooms those whose audience is in `scope`.
  absl::StatusOr<v1::ListUserRoomsResponse> ListUserRooms(const v1::ListUserRoomsRequest& request,
                                                          const AudienceScope& scope) const;

  // Those to rooms whose audience is in `scope`.
  absl::StatusOr<v1::ListPendingInvitesResponse> ListPendingInvites(
      const v1::ListPendingInvitesRequest& request, const AudienceScope& scope) const;

 private:
  const storage::Engine& engine_;
  const TokenSigner& signer_;
  const rooms::SigningKey& key_;
};

}  // namespace innkeeper::membership

#endif  // INNKEEPER_SERVER_MEMBERSHIP_READ_MEMBERS_H_
