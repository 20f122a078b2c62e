// File: server/rpc/status.h
//
// How the errors of server/errors go out over gRPC: as a grpc::Status whose
// error_details are a serialised google.rpc.Status with all their details
// (AIP-193).

#ifndef INNKEEPER_SERVER_RPC_STATUS_H_
#define INNKEEPER_SERVER_RPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace innkeeper::rpc {

// Returns what the caller is told of `status`. Thread-safe.
//
// An error with an ErrorInfo goes out as it is, and CANCELLED, which nobody is
// there to receive, as a bare CANCELLED. Every other error is an internal one,
// whatever its code: it is logged under a new incident id, and the caller
// gets INTERNAL with ERROR_REASON_INTERNAL and nothing but that id, in the
// message and in the metadata as `incident`.
//
// Details are kept so small that clients with gRPC's default limit of 8 KiB of
// metadata can receive them: a BadRequest too big for that loses its last field
// violations.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_STATUS_H_
