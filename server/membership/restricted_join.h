// File: server/membership/restricted_join.h
//
// Joins that membership of another room allows.
//
// Source: Matrix specification, room version 8, "Restricted rooms".

#ifndef INNKEEPER_SERVER_MEMBERSHIP_RESTRICTED_JOIN_H_
#define INNKEEPER_SERVER_MEMBERSHIP_RESTRICTED_JOIN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/lifecycle/room_edit.h"
#include "storage/room_store.h"

namespace innkeeper::membership {

// Returns a member on whose authority `user_id`, who is neither joined nor invited,
// may join a room with a restricted join rule: joined, of this server, and with the
// power to invite. "" if the rule is another, if the user is in none of the rooms that
// it names, or if nobody can vouch for them. Errors of RoomReader.
absl::StatusOr<std::string> FindAuthorisingMember(lifecycle::RoomEdit& edit,
                                                  const storage::RoomReader& reader,
                                                  const std::string& user_id,
                                                  absl::string_view server_name);

}  // namespace innkeeper::membership

#endif  // INNKEEPER_SERVER_MEMBERSHIP_RESTRICTED_JOIN_H_
