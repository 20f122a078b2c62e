// File: server/lifecycle/create_room.h
//
// The use case CreateRoom: a whole room in one commit. A supervised one is checked, and then
// waits until another principal approves it (supervisor.h).

#ifndef INNKEEPER_SERVER_LIFECYCLE_CREATE_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_CREATE_ROOM_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/errors/errors.h"
#include "server/lifecycle/approvals.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/room_caps.h"
#include "server/lifecycle/room_quota.h"
#include "server/lifecycle/transaction.h"
#include "server/rooms/genesis.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// Which new rooms are encrypted though nobody asked for it.
enum class EncryptionPolicy {
  kOff,     // none
  kInvite,  // those of the presets private_chat and trusted_private_chat
  kAll,     // all
};

struct CreateRoomCommand {
  rooms::RoomSpec spec;
  std::string audience;  // empty for none
  // What was found wrong with the request already; it is refused with that and
  // with whatever is wrong with `spec`.
  FieldErrors field_errors;
  // Not OK if the version that was asked for is not supported: `spec` then has
  // another one, to be checked with, and the request is refused with this reason.
  absl::Status version_status;
  RequestIdentity identity;
  bool validate_only = false;
  // Set if it has to be approved first.
  std::optional<Supervised> supervised = std::nullopt;
};

// Creates rooms. Thread-safe.
class RoomCreator {
 public:
  struct Options {
    std::string server_name;
    rooms::RoomLimits limits;
    EncryptionPolicy encryption_policy = EncryptionPolicy::kOff;
    std::string encryption_algorithm;  // what the policy turns on
    RoomCaps caps;
    RoomQuota* quota = nullptr;  // must outlive the creator; null: no limit
  };

  // The references must outlive the creator.
  RoomCreator(const Clock& clock, const RandomBytes& random, Options options);

  // The write that creates the room, or with validate_only checks whether it could
  // be, or if it is supervised has it wait for an approval. A room takes a place of those that its
  // creator may have. Errors as documented for the RPC, and those without a reason that are
  // internal. The creator must outlive it.
  Write<v1::CreateRoomResponse> Create(CreateRoomCommand command);

 private:
  // A room that could be created.
  struct NewRoom {
    storage::RoomRecord record;
    rooms::Genesis genesis;
  };

  absl::StatusOr<NewRoom> Build(const CreateRoomCommand& command,
                                const storage::RoomReader& reader) const;
  absl::StatusOr<Outcome<v1::CreateRoomResponse>> Try(const CreateRoomCommand& command,
                                                      const storage::RoomReader& reader) const;
  absl::StatusOr<Outcome<v1::CreateRoomResponse>> Ask(const CreateRoomCommand& command,
                                                      const storage::RoomReader& reader) const;
  static absl::Status Check(const CreateRoomCommand& command, const storage::RoomReader& reader);

  const Clock& clock_;
  const RandomBytes& random_;
  const Options options_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_CREATE_ROOM_H_
