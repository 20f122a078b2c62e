// File: server/lifecycle/read_rooms.h
//
// The reading use cases: GetRoom, GetRoomState, ListRooms.

#ifndef INNKEEPER_SERVER_LIFECYCLE_READ_ROOMS_H_
#define INNKEEPER_SERVER_LIFECYCLE_READ_ROOMS_H_

#include <string>

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/audience.h"
#include "server/base/signed_token.h"
#include "storage/engine.h"

namespace innkeeper::lifecycle {

// Reads rooms. Whoever calls has seen to it that the caller may act for the
// request's `requester`, or may read as nobody if there is none, and then rooms of the
// audiences in `scope`; whether a room may be seen is checked here. Thread-safe. Its
// methods may block on the disk. Errors as documented for the RPCs, and those without a
// reason that are internal.
class RoomBrowser {
 public:
  // The references must outlive the browser.
  RoomBrowser(const storage::Engine& engine, const TokenSigner& signer)
      : engine_(engine), signer_(signer) {}

  // Looks where `tier` says, and then does not block or fails with NotInMemory().
  absl::StatusOr<v1::GetRoomResponse> GetRoom(const v1::GetRoomRequest& request,
                                              const AudienceScope& scope,
                                              storage::ReadTier tier) const;

  absl::StatusOr<v1::GetRoomStateResponse> GetRoomState(const v1::GetRoomStateRequest& request,
                                                        const AudienceScope& scope) const;

  absl::StatusOr<v1::ListRoomsResponse> ListRooms(const v1::ListRoomsRequest& request,
                                                  const AudienceScope& scope) const;

 private:
  const storage::Engine& engine_;
  const TokenSigner& signer_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_READ_ROOMS_H_
