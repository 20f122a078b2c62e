#include "server/auth/jwt_verifier.h"

#include <utility>

#include "server/auth/guarded_file.h"

namespace innkeeper::auth {

JwtVerifier::JwtVerifier(Options options, Clock clock)
    : options_(std::move(options)),
      clock_(std::move(clock)),
      keys_(options_.keys_file, ReadGuardedFile, ParseJwtKeys) {}

std::optional<std::string> JwtVerifier::SubjectOf(absl::string_view token, const TokenHash& hash) {
  const std::shared_ptr<const JwtKeys> keys = keys_.Get();
  const absl::Time now = clock_();
  std::optional<std::string> subject = Recall(keys, hash, now);
  if (subject) return subject;
  const std::optional<JwtIdentity> identity = VerifyJwt(token, *keys, options_.expectations, now);
  if (!identity) return std::nullopt;
  Remember(keys, hash, *identity, now);
  return identity->subject;
}

std::optional<std::string> JwtVerifier::Recall(const std::shared_ptr<const JwtKeys>& keys,
                                               const TokenHash& hash, absl::Time now) {
  absl::ReaderMutexLock lock(&mutex_);
  if (remembered_for_ != keys) return std::nullopt;
  const auto found = remembered_.find(hash);
  if (found == remembered_.end() || now >= found->second.expire_time + kJwtLeeway) {
    return std::nullopt;
  }
  return found->second.subject;
}

void JwtVerifier::Remember(const std::shared_ptr<const JwtKeys>& keys, const TokenHash& hash,
                           const JwtIdentity& identity, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (remembered_for_ != keys) {
    remembered_.clear();
    remembered_for_ = keys;
  }
  if (remembered_.size() >= options_.max_remembered) {
    absl::erase_if(remembered_,
                   [&](const auto& entry) { return now >= entry.second.expire_time + kJwtLeeway; });
  }
  if (remembered_.size() >= options_.max_remembered) remembered_.clear();
  remembered_.insert_or_assign(hash, identity);
}

}  // namespace innkeeper::auth
