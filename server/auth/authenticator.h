// File: server/auth/authenticator.h
//
// Finds out who calls, by bearer tokens (RFC 6750).

#ifndef INNKEEPER_SERVER_AUTH_AUTHENTICATOR_H_
#define INNKEEPER_SERVER_AUTH_AUTHENTICATOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/auth/principal.h"
#include "server/auth/token_hash.h"

namespace innkeeper::auth {

// Knows the tokens of a token file (server/auth/token_file.h) and follows the
// file when it changes. Thread-safe.
class Authenticator {
 public:
  // Longer tokens are not looked at.
  static constexpr size_t kMaxTokenBytes = 4096;

  // Reads the token file `path`. The errors of ReadTokenFile and ParseTokenFile;
  // the message starts with the path.
  static absl::StatusOr<std::unique_ptr<Authenticator>> Create(std::string path);

  // Returns the principal that the value of the metadata `authorization`
  // ("Bearer TOKEN") stands for; "" if there was none. UNAUTHENTICATED with
  // reason CREDENTIALS_INVALID, the same whatever is wrong. Takes about a
  // microsecond and does no I/O.
  //
  // What it returns holds for the moment. Who works for a caller for long, such
  // as a stream, asks again when generation() has changed: a token may be revoked and
  // roles may change.
  absl::StatusOr<std::shared_ptr<const Principal>> Authenticate(
      absl::string_view authorization) const;

  // What to keep of `authorization` to ask again: nobody can call with it.
  struct Credential {
    std::optional<TokenHash> token_hash;  // none if there is no token
  };
  static Credential CredentialOf(absl::string_view authorization);
  absl::StatusOr<std::shared_ptr<const Principal>> Authenticate(const Credential& credential) const;

  // Changes with every change to what Authenticate() returns, right after it. Cheap.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  // Reads the token file again and, if it has changed, puts it in force. A file
  // that cannot be read or is wrong is refused and logged, once for each change,
  // and what was in force stays in force. Returns OK if what is in force is what
  // the file says, else why not.
  //
  // To be called every second or so, from a thread that may do I/O. Contents are
  // compared rather than times, which miss a second change within one tick;
  // reading a file of a hundred principals takes some microseconds.
  absl::Status ReloadIfChanged();

 private:
  // Hashes are evenly spread already.
  struct FirstBytes {
    size_t operator()(const TokenHash& hash) const {
      size_t value;
      std::memcpy(&value, hash.data(), sizeof(value));
      return value;
    }
  };
  struct Equal {
    bool operator()(const TokenHash& a, const TokenHash& b) const {
      return EqualInConstantTime(a, b);
    }
  };
  using Credentials =
      absl::flat_hash_map<TokenHash, std::shared_ptr<const Principal>, FirstBytes, Equal>;

  // What reading the file gave: its text, of which the hash is kept, or an error.
  struct Sight {
    absl::Status status;
    TokenHash text_hash = {};

    bool operator==(const Sight& other) const = default;
  };

  explicit Authenticator(std::string path) : path_(std::move(path)) {}

  // Reads the file. If it is not as at the last look, puts it in force or finds
  // out why not, and returns true.
  bool Look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mutex_);

  // Puts the text of a token file in force if it is right.
  absl::Status PutInForce(absl::string_view text);

  const std::string path_;

  absl::Mutex reload_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  std::optional<Sight> last_sight_ ABSL_GUARDED_BY(reload_mutex_);
  absl::Status last_outcome_ ABSL_GUARDED_BY(reload_mutex_);

  std::atomic<uint64_t> generation_ = 0;

  mutable absl::Mutex mutex_;
  Credentials credentials_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_AUTHENTICATOR_H_
