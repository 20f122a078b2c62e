#include "server/audit/trail.h"

namespace innkeeper::audit {
namespace {

constexpr size_t kSaltBytes = 16;

}  // namespace

Origin Maintenance() { return {.method = "maintenance"}; }

v1::AuditEntry NewEntry(const Origin& origin, const RandomBytes& random) {
  v1::AuditEntry entry;
  entry.set_salt(random(kSaltBytes));
  entry.set_principal(origin.principal);
  entry.set_credential(origin.credential);
  entry.set_user(origin.user);
  entry.set_method(origin.method);
  entry.set_request_id(origin.request_id);
  entry.set_target(origin.target);
  entry.set_peer(origin.peer);
  return entry;
}

void Trail::Leave(storage::RoomCommit& commit, absl::string_view step) const {
  if (random_ == nullptr) return;
  v1::AuditEntry entry = NewEntry(origin_, *random_);
  entry.set_step(std::string(step));
  entry.set_outcome(v1::AUDIT_OUTCOME_ALLOWED);
  for (const storage::RoomCommit::RoomChange& change : commit.room_changes()) {
    v1::AuditedRoom& room = *entry.add_rooms();
    room.set_room_id(change.room_id);
    room.set_revision_before(change.revision_before);
    room.set_revision_after(change.revision_after);
  }
  commit.AppendAudit(entry.SerializeAsString());
}

}  // namespace innkeeper::audit
