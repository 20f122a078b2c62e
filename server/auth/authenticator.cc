#include "server/auth/authenticator.h"

#include <glog/logging.h>

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/auth/token_file.h"
#include "server/errors/errors.h"

namespace innkeeper::auth {
namespace {

constexpr absl::string_view kScheme = "Bearer ";

// Made once, as anyone can ask for it as often as they like.
const absl::Status& CredentialsInvalid() {
  static const auto* const error = new absl::Status(
      MakeError(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_CREDENTIALS_INVALID,
                "no valid bearer token; send one as the metadata \"authorization: Bearer TOKEN\""));
  return *error;
}

// Returns the token in "Bearer TOKEN"; "" if there is none.
absl::string_view TokenIn(absl::string_view authorization) {
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) return "";
  authorization.remove_prefix(kScheme.size());
  return absl::StripAsciiWhitespace(authorization);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Authenticator>> Authenticator::Create(std::string path) {
  auto authenticator = absl::WrapUnique(new Authenticator(std::move(path)));
  absl::MutexLock lock(&authenticator->reload_mutex_);
  authenticator->Look();
  if (!authenticator->last_outcome_.ok()) return authenticator->last_outcome_;
  return authenticator;
}

absl::StatusOr<std::shared_ptr<const Principal>> Authenticator::Authenticate(
    absl::string_view authorization) const {
  return Authenticate(CredentialOf(authorization));
}

Authenticator::Credential Authenticator::CredentialOf(absl::string_view authorization) {
  const absl::string_view token = TokenIn(authorization);
  if (token.empty() || token.size() > kMaxTokenBytes) return {};
  return {HashOf(token)};
}

absl::StatusOr<std::shared_ptr<const Principal>> Authenticator::Authenticate(
    const Credential& credential) const {
  if (!credential.token_hash) return CredentialsInvalid();
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = credentials_.find(*credential.token_hash);
  if (found == credentials_.end()) return CredentialsInvalid();
  return found->second;
}

absl::Status Authenticator::ReloadIfChanged() {
  absl::MutexLock lock(&reload_mutex_);
  const bool changed = Look();
  LOG_IF(ERROR, changed && !last_outcome_.ok())
      << last_outcome_.message() << " (what was in force before stays so)";
  return last_outcome_;
}

bool Authenticator::Look() {
  const absl::StatusOr<std::string> text = ReadTokenFile(path_);
  Sight sight{.status = text.status()};
  if (text.ok()) sight.text_hash = HashOf(*text);
  if (sight == last_sight_) return false;
  last_sight_ = std::move(sight);
  last_outcome_ = text.ok() ? PutInForce(*text) : text.status();
  return true;
}

absl::Status Authenticator::PutInForce(absl::string_view text) {
  auto entries = ParseTokenFile(text);
  if (!entries.ok()) {
    return absl::Status(entries.status().code(),
                        absl::StrCat(path_, ": ", entries.status().message()));
  }
  Credentials credentials;
  for (TokenFileEntry& entry : *entries) {
    const auto principal = std::make_shared<const Principal>(std::move(entry.principal));
    for (const TokenHash& hash : entry.token_hashes) credentials.emplace(hash, principal);
  }
  LOG(INFO) << path_ << ": now in force; principals: " << entries->size()
            << ", tokens: " << credentials.size();
  {
    absl::MutexLock lock(&mutex_);
    credentials_.swap(credentials);
  }
  generation_.fetch_add(1, std::memory_order_release);
  return absl::OkStatus();
}

}  // namespace innkeeper::auth
