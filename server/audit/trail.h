// File: server/audit/trail.h
//
// How a change gets its entry in the audit log (storage/audit_chain.h,
// proto/innkeeper/v1/audit_log.proto).

#ifndef INNKEEPER_SERVER_AUDIT_TRAIL_H_
#define INNKEEPER_SERVER_AUDIT_TRAIL_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "innkeeper/v1/audit_log.pb.h"
#include "server/base/random.h"
#include "storage/room_store.h"

namespace innkeeper::audit {

// Who asks for something, for whom, and from where; as in v1::AuditEntry.
struct Origin {
  std::string principal;
  v1::AuditCredential credential = v1::AUDIT_CREDENTIAL_UNSPECIFIED;
  std::string user;
  std::string method;
  std::string request_id;
  std::string target;
  std::string peer;
};

// That of what the server does by itself.
Origin Maintenance();

// Returns an entry, with new salt, that says nothing yet of what became of it.
v1::AuditEntry NewEntry(const Origin& origin, const RandomBytes& random);

// What a call leaves in the audit log: an entry in each commit that changes something on its
// behalf. A value; thread-safe as long as it is not assigned to.
class Trail {
 public:
  // Leaves nothing.
  Trail() = default;

  // `random` must outlive the trail.
  Trail(Origin origin, const RandomBytes& random) : origin_(std::move(origin)), random_(&random) {}

  // Adds to `commit`, in which everything else is, an entry that tells of it. `step` tells
  // the commits of one call apart.
  void Leave(storage::RoomCommit& commit, absl::string_view step = "") const;

 private:
  Origin origin_;
  const RandomBytes* random_ = nullptr;
};

}  // namespace innkeeper::audit

#endif  // INNKEEPER_SERVER_AUDIT_TRAIL_H_
