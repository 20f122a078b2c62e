// File: server/lifecycle/create_room.h
//
// The use case CreateRoom: a whole room in one commit.

#ifndef INNKEEPER_SERVER_LIFECYCLE_CREATE_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_CREATE_ROOM_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/errors/errors.h"
#include "server/lifecycle/rate_limiter.h"
#include "server/lifecycle/request_log.h"
#include "server/rooms/genesis.h"
#include "storage/engine.h"

namespace innkeeper::lifecycle {

// Which new rooms are encrypted though nobody asked for it.
enum class EncryptionPolicy {
  kOff,     // none
  kInvite,  // those of the presets private_chat and trusted_private_chat
  kAll,     // all
};

struct CreateRoomCommand {
  rooms::RoomSpec spec;
  // What was found wrong with the request already; it is refused with that and
  // with whatever is wrong with `spec`.
  FieldErrors field_errors;
  // Not OK if the version that was asked for is not supported: `spec` then has
  // another one, to be checked with, and the request is refused with this reason.
  absl::Status version_status;
  RequestIdentity identity;
  bool validate_only = false;
};

// Creates rooms. Thread-safe. Its methods block.
class RoomCreator {
 public:
  struct Options {
    std::string server_name;
    rooms::RoomLimits limits;
    EncryptionPolicy encryption_policy = EncryptionPolicy::kOff;
    std::string encryption_algorithm;  // what the policy turns on
    double rooms_per_second = 1;       // that one user may create in the long run
    int room_burst = 10;               // and at once
    absl::Duration request_retention = absl::Hours(24);
  };

  // The references must outlive the creator.
  RoomCreator(storage::Engine& engine, const Clock& clock, const RandomBytes& random,
              Options options);

  // Creates the room, or with validate_only checks whether it could be. A request
  // that was carried out before gets the response of that time. Errors as
  // documented for the RPC, and those without a reason that are internal.
  absl::StatusOr<v1::CreateRoomResponse> Create(CreateRoomCommand command);

 private:
  void ApplyEncryptionPolicy(rooms::RoomSpec& spec) const;
  absl::Status TakeRateToken(const std::string& creator);
  absl::StatusOr<rooms::Genesis> BuildRoom(const rooms::RoomSpec& spec, absl::Time now) const;
  absl::StatusOr<v1::CreateRoomResponse> CommitRoom(const CreateRoomCommand& command,
                                                    rooms::Genesis genesis);

  storage::Engine& engine_;
  const Clock& clock_;
  const RandomBytes& random_;
  const Options options_;
  RateLimiter rate_limiter_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_CREATE_ROOM_H_
