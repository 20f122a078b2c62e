// File: server/rpc/status.h
//
// How the errors of server/errors go out over gRPC: as a grpc::Status whose
// error_details are a serialised google.rpc.Status with all their details
// (AIP-193), and nothing of what is internal.

#ifndef INNKEEPER_SERVER_RPC_STATUS_H_
#define INNKEEPER_SERVER_RPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace innkeeper::rpc {

// Returns `status` as it may be known outside: what a call that ends with it is counted as,
// logged as and answered with. Thread-safe.
//
// OK and an error with an ErrorInfo stay as they are, and of CANCELLED, which nobody is
// there to receive, that alone. Every other error is an internal one, whatever its code: it
// is logged under a new incident id, and becomes INTERNAL with ERROR_REASON_INTERNAL and
// nothing but that id, in the message and in the metadata as `incident`.
absl::Status HideInternals(const absl::Status& status);

// Returns what the caller is told of `status`, with its internals hidden. Thread-safe.
//
// Details are kept so small that clients with gRPC's default limit of 8 KiB of
// metadata can receive them: a BadRequest too big for that loses its last field
// violations.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_STATUS_H_
