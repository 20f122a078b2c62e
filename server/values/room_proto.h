// File: server/values/room_proto.h
//
// Rooms as the API shows them, from how they are stored.

#ifndef INNKEEPER_SERVER_VALUES_ROOM_PROTO_H_
#define INNKEEPER_SERVER_VALUES_ROOM_PROTO_H_

#include "innkeeper/v1/room.pb.h"
#include "storage/records.pb.h"

namespace innkeeper {

v1::Room ToProto(const storage::RoomRecord& room);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_VALUES_ROOM_PROTO_H_
