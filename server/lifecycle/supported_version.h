// File: server/lifecycle/supported_version.h

#ifndef INNKEEPER_SERVER_LIFECYCLE_SUPPORTED_VERSION_H_
#define INNKEEPER_SERVER_LIFECYCLE_SUPPORTED_VERSION_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rooms/room_version.h"

namespace innkeeper::lifecycle {

// The room version called `id`, or INVALID_ARGUMENT (ROOM_VERSION_UNSUPPORTED)
// that blames the request's field `field`.
absl::StatusOr<const rooms::RoomVersion*> SupportedVersion(absl::string_view id,
                                                           absl::string_view field);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_SUPPORTED_VERSION_H_
