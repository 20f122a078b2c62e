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
    for (std::string& id : entry.certificate_names.spiffe_ids) {
      by_spiffe_id_.emplace(std::move(id), principal);
    }
    for (std::string& name : entry.certificate_names.dns_names) {
      by_dns_name_.emplace(std::move(name), principal);
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

Policy::PrincipalPtr Policy::FindByCertificate(const CertificateNames& names) const {
  PrincipalPtr principal;
  bool is_one = true;
  const auto look_up = [&](const std::vector<std::string>& those, const auto& by_name) {
    for (const std::string& name : those) {
      const auto found = by_name.find(name);
      if (found == by_name.end()) continue;
      is_one = is_one && (principal == nullptr || principal == found->second);
      principal = found->second;
    }
  };
  look_up(names.spiffe_ids, by_spiffe_id_);
  look_up(names.dns_names, by_dns_name_);
  return is_one ? principal : nullptr;
}

}  // namespace innkeeper::auth
