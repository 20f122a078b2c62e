// File: server/limits/limit_errors.h
//
// What callers hear of limits. Each error names in its metadata, under `limit`, the option of
// the configuration that it is about.

#ifndef INNKEEPER_SERVER_LIMITS_LIMIT_ERRORS_H_
#define INNKEEPER_SERVER_LIMITS_LIMIT_ERRORS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace innkeeper::limits {

// RATE_LIMITED: `subject`, such as "user:@alice:example.org", did something too often, and
// may do it again after `wait`.
absl::Status RateLimited(absl::string_view limit, const std::string& subject, absl::Duration wait);

// As RateLimited, with the reason and the words that the creation of rooms has.
absl::Status CreationRateLimited(const std::string& subject, absl::Duration wait);

// LIMIT_EXCEEDED: `subject` has as many of something as it may have, `most`. `message` says
// what can be done about it.
absl::Status LimitExceeded(absl::string_view limit, const std::string& subject, int64_t most,
                           absl::string_view message);

// OVERLOADED: the server as a whole has as much under way as it takes on.
absl::Status Overloaded(absl::string_view limit);

}  // namespace innkeeper::limits

#endif  // INNKEEPER_SERVER_LIMITS_LIMIT_ERRORS_H_
