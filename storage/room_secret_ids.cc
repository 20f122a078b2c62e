#include "storage/room_secret_ids.h"

#include <optional>

#include "absl/status/status.h"
#include "storage/keys.h"
#include "storage/record_codec.h"

namespace innkeeper::storage {

absl::StatusOr<std::vector<uint64_t>> ReadRoomSecretIds(const Snapshot& snapshot,
                                                        absl::string_view prefix) {
  std::vector<uint64_t> ids;
  absl::Status status;
  absl::Status scanned = snapshot.Scan(prefix, PrefixEnd(prefix),
                                       [&](absl::string_view key, absl::string_view, Revision) {
                                         KeyReader reader(key);
                                         reader.Raw(/*is_number=*/false);
                                         const std::optional<uint64_t> id = reader.U64();
                                         if (id) ids.push_back(*id);
                                         if (!id) status = Damaged(key);
                                         return id.has_value();
                                       });
  scanned.Update(status);
  if (!scanned.ok()) return scanned;
  return ids;
}

}  // namespace innkeeper::storage
