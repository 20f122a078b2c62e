// File: server/membership/pending_invites.h
//
// Invites of users of other servers, until somebody has delivered them.

#ifndef INNKEEPER_SERVER_MEMBERSHIP_PENDING_INVITES_H_
#define INNKEEPER_SERVER_MEMBERSHIP_PENDING_INVITES_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_membership.pb.h"
#include "server/base/audience.h"
#include "server/lifecycle/transaction.h"
#include "storage/engine.h"

namespace innkeeper::membership {

// The write that ends the waiting of the invite that the request names, if it waits, to a
// room whose audience is in `scope`. The request was checked.
lifecycle::Write<v1::AckInviteResponse> Acknowledge(const v1::AckInviteRequest& request,
                                                    AudienceScope scope);

// Tells the event stream of the invites of which it has never told, and again of those that it
// told of long enough ago: the first time that is `period`, and each time twice as long as before,
// up to a day. Rooms that are tombstoned don't count: nobody can join them. Blocks. Errors of
// RoomReader and of CommitResult.
absl::Status AnnouncePendingInvites(storage::Engine& engine, absl::Time now, absl::Duration period);

}  // namespace innkeeper::membership

#endif  // INNKEEPER_SERVER_MEMBERSHIP_PENDING_INVITES_H_
