// File: server/errors/errors.h
//
// The errors that callers of the API see. Each is an absl::Status whose payloads
// are the google.rpc details that go out with it, keyed by their type URLs, so
// that any layer can make one and the RPC layer passes them on as they are.
//
// A status without an ErrorInfo is an internal error: the RPC layer logs it and
// tells the caller nothing but an incident id.

#ifndef INNKEEPER_SERVER_ERRORS_ERRORS_H_
#define INNKEEPER_SERVER_ERRORS_ERRORS_H_

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "innkeeper/v1/error_reason.pb.h"

namespace innkeeper {

using Metadata = std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

// Returns an error with an ErrorInfo of `reason` in the domain "innkeeper". The
// message says what the caller can do; it must not hold anything about the
// inside, nor the content of rooms.
absl::Status MakeError(absl::StatusCode code, v1::ErrorReason reason, absl::string_view message,
                       Metadata metadata = {});

// Returns `error`, which has an ErrorInfo, with more metadata in it.
absl::Status WithMetadata(absl::Status error, Metadata metadata);

// Returns `error` with a RetryInfo: not to be tried again before `delay`.
absl::Status WithRetryDelay(absl::Status error, absl::Duration delay);

// Returns `error` with a ResourceInfo naming what was not found or is in the way.
absl::Status WithResource(absl::Status error, absl::string_view type, absl::string_view name);

// Returns `error` with a QuotaFailure: what `subject`, such as "user:@alice:example.org", has
// used up.
absl::Status WithQuotaFailure(absl::Status error, absl::string_view subject,
                              absl::string_view description);

// Collects what is wrong with the fields of a request.
class FieldErrors {
 public:
  // Notes that `field` (a path such as "invites[3]") is wrong. `description`
  // says what is wrong and how to mend it. Of very many only the first 50 are
  // kept.
  void Add(std::string field, absl::string_view description);

  // Notes the field errors in `status` if it has a BadRequest; else, if it is not
  // OK, its message as the description of `field`.
  void AddStatus(std::string field, const absl::Status& status);

  bool empty() const { return errors_.empty(); }

  // Returns OK if nothing was noted, else INVALID_ARGUMENT with `reason`, a
  // BadRequest, and `message`, by default one made of the first error.
  absl::Status ToStatus(v1::ErrorReason reason = v1::ERROR_REASON_INVALID_REQUEST,
                        absl::string_view message = "") const;

 private:
  std::vector<std::pair<std::string, std::string>> errors_;
};

// Returns the reason in the status' ErrorInfo, or ERROR_REASON_UNSPECIFIED.
v1::ErrorReason ReasonOf(const absl::Status& status);

// Returns what the metadata in the status' ErrorInfo has under `key`, or "".
std::string MetadataOf(const absl::Status& status, absl::string_view key);

// Returns the name of the reason as it is on the wire: "ROOM_NOT_FOUND".
std::string ReasonName(v1::ErrorReason reason);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_ERRORS_ERRORS_H_
