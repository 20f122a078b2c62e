// File: client/demo/call.h
//
// What every call of the API needs.

#ifndef INNKEEPER_CLIENT_DEMO_CALL_H_
#define INNKEEPER_CLIENT_DEMO_CALL_H_

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace innkeeper {

// Makes `context` carry the bearer token.
void Authorize(absl::string_view token, grpc::ClientContext* context);

// Returns the outcome of a call of `method`; an error's message names the method.
absl::Status ToAbslStatus(absl::string_view method, const grpc::Status& status);

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_DEMO_CALL_H_
