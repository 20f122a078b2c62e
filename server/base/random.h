// File: server/base/random.h
//
// Random bytes for ids, as the server's parts get them.

#ifndef INNKEEPER_SERVER_BASE_RANDOM_H_
#define INNKEEPER_SERVER_BASE_RANDOM_H_

#include <cstddef>
#include <string>

#include "absl/functional/any_invocable.h"

namespace innkeeper {

// Returns `count` random bytes. Thread-safe.
using RandomBytes = absl::AnyInvocable<std::string(size_t count) const>;

// Unpredictable bytes, from OpenSSL. Crashes if the system has no entropy.
RandomBytes SecureRandom();

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_RANDOM_H_
