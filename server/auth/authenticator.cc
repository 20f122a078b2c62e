#include "server/auth/authenticator.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/auth/guarded_file.h"
#include "server/auth/token_file.h"
#include "server/auth/token_hash.h"
#include "server/errors/errors.h"

namespace innkeeper::auth {
namespace {

constexpr absl::string_view kScheme = "Bearer ";

// Made once, as anyone can ask for it as often as they like.
const absl::Status& CredentialsInvalid() {
  static const auto* const error = new absl::Status(
      MakeError(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_CREDENTIALS_INVALID,
                "no valid bearer token or client certificate; send a token as the metadata "
                "\"authorization: Bearer TOKEN\""));
  return *error;
}

// Returns the token in "Bearer TOKEN"; "" if there is none, or too long a one.
absl::string_view TokenIn(absl::string_view authorization) {
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) return "";
  authorization.remove_prefix(kScheme.size());
  const absl::string_view token = absl::StripAsciiWhitespace(authorization);
  return token.size() <= Authenticator::kMaxTokenBytes ? token : "";
}

absl::StatusOr<Policy> ParsePolicy(absl::string_view text) {
  auto entries = ParseTokenFile(text);
  if (!entries.ok()) return entries.status();
  return Policy(*std::move(entries));
}

}  // namespace

Authenticator::Authenticator(Options options, Clock clock)
    : policy_(std::move(options.tokens_file), ReadGuardedFile, ParsePolicy),
      jwt_verifier_(options.jwt
                        ? std::make_unique<JwtVerifier>(*std::move(options.jwt), std::move(clock))
                        : nullptr) {}

absl::StatusOr<std::unique_ptr<Authenticator>> Authenticator::Create(Options options, Clock clock) {
  auto authenticator = absl::WrapUnique(new Authenticator(std::move(options), std::move(clock)));
  absl::Status loaded = authenticator->ReloadIfChanged();
  if (!loaded.ok()) return loaded;
  return authenticator;
}

absl::StatusOr<std::shared_ptr<const Principal>> Authenticator::Authenticate(
    absl::string_view authorization) const {
  const absl::string_view token = TokenIn(authorization);
  if (token.empty()) return CredentialsInvalid();
  return Identify(HashOf(token), token);
}

absl::StatusOr<std::shared_ptr<const Principal>> Authenticator::Authenticate(
    const CertificateNames& certificate) const {
  std::shared_ptr<const Principal> principal = policy_.Get()->FindByCertificate(certificate);
  if (principal == nullptr) return CredentialsInvalid();
  return principal;
}

Authenticator::Credential Authenticator::CredentialOf(absl::string_view authorization) {
  const absl::string_view token = TokenIn(authorization);
  if (token.empty()) return {};
  return {.token_hash = HashOf(token),
          .jwt = Redacted(HasJwtForm(token) ? std::string(token) : "")};
}

absl::StatusOr<std::shared_ptr<const Principal>> Authenticator::Authenticate(
    const Credential& credential) const {
  if (!credential.token_hash) return Authenticate(credential.certificate);
  return Identify(*credential.token_hash, credential.jwt.Expose());
}

absl::StatusOr<std::shared_ptr<const Principal>> Authenticator::Identify(
    const TokenHash& hash, absl::string_view jwt) const {
  const std::shared_ptr<const Policy> policy = policy_.Get();
  std::shared_ptr<const Principal> principal = policy->FindByToken(hash);
  if (principal == nullptr && jwt_verifier_ != nullptr) {
    const std::optional<std::string> subject = jwt_verifier_->SubjectOf(jwt, hash);
    if (subject) principal = policy->FindByJwtSubject(*subject);
  }
  if (principal == nullptr) return CredentialsInvalid();
  return principal;
}

absl::Status Authenticator::ReloadIfChanged() {
  const auto before = policy_.Get();
  absl::Status reloaded = policy_.ReloadIfChanged();
  if (jwt_verifier_ != nullptr) reloaded.Update(jwt_verifier_->ReloadIfChanged());
  const bool may_differ = jwt_verifier_ != nullptr || policy_.Get() != before;
  if (may_differ) generation_.fetch_add(1, std::memory_order_release);
  return reloaded;
}

}  // namespace innkeeper::auth
