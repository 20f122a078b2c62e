#include "server/lifecycle/supported_version.h"

#include <string>

#include "absl/strings/str_join.h"
#include "server/errors/errors.h"

namespace innkeeper::lifecycle {

absl::StatusOr<const rooms::RoomVersion*> SupportedVersion(absl::string_view id,
                                                           absl::string_view field) {
  if (const rooms::RoomVersion* version = rooms::FindRoomVersion(id)) return version;
  const std::string known = absl::StrJoin(rooms::AllRoomVersions(), ", ",
                                          [](std::string* out, const rooms::RoomVersion& version) {
                                            out->append(version.id.data(), version.id.size());
                                          });
  FieldErrors errors;
  errors.Add(std::string(field), "must be one of " + known);
  return errors.ToStatus(v1::ERROR_REASON_ROOM_VERSION_UNSUPPORTED,
                         "The requested room version is not supported by this server");
}

}  // namespace innkeeper::lifecycle
