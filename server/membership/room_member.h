// File: server/membership/room_member.h

#ifndef INNKEEPER_SERVER_MEMBERSHIP_ROOM_MEMBER_H_
#define INNKEEPER_SERVER_MEMBERSHIP_ROOM_MEMBER_H_

#include <string>

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_membership.pb.h"
#include "storage/records.pb.h"

namespace innkeeper::membership {

// Returns the member that the m.room.member in `record` makes of a user. DATA_LOSS if
// its content is no JSON.
absl::StatusOr<v1::RoomMember> ToRoomMember(const std::string& user_id,
                                            const storage::StateRecord& record);

}  // namespace innkeeper::membership

#endif  // INNKEEPER_SERVER_MEMBERSHIP_ROOM_MEMBER_H_
