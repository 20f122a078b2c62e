#include "server/auth/policy.h"

#include <utility>

namespace innkeeper::auth {

Policy::Policy(std::vector<TokenFileEntry> entries) {
  for (TokenFileEntry& entry : entries) {
    const auto principal = std::make_shared<const Principal>(std::move(entry.principal));
    for (const TokenHash& hash : entry.token_hashes) by_token_.emplace(hash, principal);
    for (std::string& subject : entry.jwt_subjects) {
      by_jwt_subject_.emplace(std::move(subject), principal);
    }
  }
}

Policy::PrincipalPtr Policy::FindByToken(const TokenHash& hash) const {
  const auto found = by_token_.find(hash);
  return found == by_token_.end() ? nullptr : found->second;
}

Policy::PrincipalPtr Policy::FindByJwtSubject(absl::string_view subject) const {
  const auto found = by_jwt_subject_.find(subject);
  return found == by_jwt_subject_.end() ? nullptr : found->second;
}

}  // namespace innkeeper::auth
