// File: client/internal/status.h

#ifndef INNKEEPER_CLIENT_INTERNAL_STATUS_H_
#define INNKEEPER_CLIENT_INTERNAL_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"

namespace innkeeper::client_internal {

// Returns the outcome of a call of `method` in the form that client/error_info.h
// describes.
absl::Status ToAbslStatus(absl::string_view method, const grpc::Status& status);

}  // namespace innkeeper::client_internal

#endif  // INNKEEPER_CLIENT_INTERNAL_STATUS_H_
