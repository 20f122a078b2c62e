#include "server/membership/room_member.h"

#include "server/lifecycle/membership.h"
#include "server/lifecycle/room_records.h"
#include "server/values/timestamp.h"

namespace innkeeper::membership {

using rooms::StringOrEmpty;

absl::StatusOr<v1::RoomMember> ToRoomMember(const std::string& user_id,
                                            const storage::StateRecord& record) {
  absl::StatusOr<rooms::StateEntry> entry = lifecycle::ToStateEntry(record);
  if (!entry.ok()) return entry.status();
  v1::RoomMember member;
  member.set_user_id(user_id);
  member.set_membership(lifecycle::ParseMembership(StringOrEmpty(entry->content, "membership")));
  member.set_displayname(StringOrEmpty(entry->content, "displayname"));
  member.set_avatar_url(StringOrEmpty(entry->content, "avatar_url"));
  member.set_reason(StringOrEmpty(entry->content, "reason"));
  member.set_sender(entry->sender);
  member.set_event_id(entry->reference.event_id);
  SetTimestamp(MicrosFromMillis(entry->origin_server_ts), member.mutable_origin_server_time());
  member.set_revision(record.revision());
  return member;
}

}  // namespace innkeeper::membership
