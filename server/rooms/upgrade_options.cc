#include "server/rooms/upgrade_options.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/event.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/state_copy.h"

namespace innkeeper::rooms {
namespace {

void CheckCopyTypes(const UpgradeOptions& options, FieldErrors& errors) {
  const std::vector<std::string>& types = options.copy_types;
  if (options.copy_policy != CopyPolicy::kListed) {
    if (!types.empty()) errors.Add("copy_types", "needs `copy_policy` to be COPY_POLICY_LISTED");
    return;
  }
  if (types.empty() || types.size() > kMaxCopyTypes) {
    errors.Add("copy_types",
               absl::StrCat("must name 1 to ", kMaxCopyTypes, " types of state events"));
    return;
  }
  for (size_t i = 0; i < types.size(); ++i) {
    const std::string field = absl::StrCat("copy_types[", i, "]");
    if (types[i].empty() || types[i].size() > kMaxEventKeyBytes) {
      errors.Add(field, absl::StrCat("must be a type of 1 to ", kMaxEventKeyBytes, " bytes"));
    } else if (!MayBeCopied(types[i])) {
      errors.Add(field, "is not for a policy to copy: an upgrade has a rule of its own for it");
    }
  }
}

void CheckAdditionalCreators(const std::vector<std::string>& users, const RoomVersion& new_version,
                             FieldErrors& errors) {
  const std::string field = "additional_creators";
  if (users.empty()) return;
  if (!new_version.creators_have_unbounded_power) {
    errors.Add(field, absl::StrCat("is not known in room version ", new_version.id,
                                   ": upgrade to version 12 or give power levels"));
    return;
  }
  if (users.size() > kMaxAdditionalCreators) {
    errors.Add(field, absl::StrCat("must have at most ", kMaxAdditionalCreators, " entries"));
    return;
  }
  for (size_t i = 0; i < users.size(); ++i) {
    errors.AddStatus(absl::StrCat(field, "[", i, "]"), CheckUserId(users[i]));
  }
}

}  // namespace

absl::Status CheckUpgradeOptions(const UpgradeOptions& options, const RoomVersion& new_version) {
  FieldErrors errors;
  CheckCopyTypes(options, errors);
  CheckAdditionalCreators(options.additional_creators, new_version, errors);
  return errors.ToStatus();
}

std::vector<std::string> NewCreators(absl::string_view sender, const UpgradeOptions& options) {
  std::vector<std::string> others = options.additional_creators;
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  others.erase(std::remove(others.begin(), others.end(), sender), others.end());
  std::vector<std::string> creators = {std::string(sender)};
  creators.insert(creators.end(), others.begin(), others.end());
  return creators;
}

}  // namespace innkeeper::rooms
