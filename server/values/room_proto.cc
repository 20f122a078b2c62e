#include "server/values/room_proto.h"

#include "server/values/timestamp.h"

namespace innkeeper {

v1::Room ToProto(const storage::RoomRecord& room) {
  v1::Room proto;
  proto.set_room_id(room.room_id());
  proto.set_creator(room.creator());
  proto.set_room_version(room.room_version());
  proto.set_preset(static_cast<v1::RoomPreset>(room.preset()));
  proto.set_is_public(room.is_public());
  proto.set_status(static_cast<v1::RoomStatus>(room.status()));
  proto.set_revision(room.revision());
  SetTimestamp(room.create_time_us(), proto.mutable_create_time());
  SetTimestamp(room.update_time_us(), proto.mutable_update_time());
  proto.set_name(room.name());
  proto.set_topic(room.topic());
  proto.set_canonical_alias(room.canonical_alias());
  proto.set_encryption_algorithm(room.encryption_algorithm());
  proto.set_room_type(room.room_type());
  proto.set_joined_member_count(room.joined_member_count());
  proto.set_invited_member_count(room.invited_member_count());
  proto.set_predecessor_room_id(room.predecessor_room_id());
  proto.set_successor_room_id(room.successor_room_id());
  proto.set_audience(room.audience());
  if (room.has_upgrade()) {
    v1::RoomUpgrade& upgrade = *proto.mutable_upgrade();
    upgrade.set_new_version(room.upgrade().new_version());
    upgrade.set_requester(room.upgrade().requester());
    SetTimestamp(room.upgrade().start_time_us(), upgrade.mutable_start_time());
    SetTimestamp(room.upgrade().lease_expire_time_us(), upgrade.mutable_lease_expire_time());
    upgrade.set_processed_member_count(room.upgrade().processed_member_count());
    upgrade.set_member_count(room.upgrade().member_count());
    upgrade.set_approval_id(room.upgrade().approval_id());
  }
  return proto;
}

}  // namespace innkeeper
