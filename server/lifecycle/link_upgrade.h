// File: server/lifecycle/link_upgrade.h
//
// The use case LinkUpgrade: makes a room that is there already the successor of
// another.

#ifndef INNKEEPER_SERVER_LIFECYCLE_LINK_UPGRADE_H_
#define INNKEEPER_SERVER_LIFECYCLE_LINK_UPGRADE_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/room_edit.h"
#include "server/lifecycle/room_succession.h"
#include "server/lifecycle/transaction.h"
#include "server/lifecycle/upgrade_access.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

struct LinkUpgradeCommand {
  std::string old_room_id;
  std::string new_room_id;
  UpgradeActor actor;
  RequestIdentity identity;
};

// Links rooms. Thread-safe.
class UpgradeLinker {
 public:
  // What `context` refers to must outlive the linker.
  explicit UpgradeLinker(EditContext context) : context_(std::move(context)) {}

  // The write that links the rooms. It must not outlive the linker. Errors as documented
  // for the RPC, and those without a reason that are internal.
  Write<v1::LinkUpgradeResponse> Link(LinkUpgradeCommand command) const;

 private:
  absl::StatusOr<Outcome<v1::LinkUpgradeResponse>> Try(const LinkUpgradeCommand& command,
                                                       const storage::RoomReader& reader,
                                                       LinkRepairs& links) const;

  const EditContext context_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_LINK_UPGRADE_H_
