// File: tests/crash/operation.h
//
// What was asked of the server and what it answered.

#ifndef INNKEEPER_TESTS_CRASH_OPERATION_H_
#define INNKEEPER_TESTS_CRASH_OPERATION_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "tests/support/test_client.h"

namespace innkeeper::crash {

enum class Outcome {
  kUnknown,  // no answer came, or none that tells: it was carried out or not
  kDone,     // acknowledged
  kRefused,  // told that it was not carried out
};

// One write. Made with the intent, before the call.
template <typename RequestType, typename ResponseType>
struct Operation {
  using Response = ResponseType;

  RequestType request;
  Outcome outcome = Outcome::kUnknown;
  bool was_unknown = false;  // an attempt of it got no answer
  ResponseType response;     // if kDone
  std::string reason;        // if kRefused: of the error
  std::map<std::string, std::string> error_metadata;
};

using CreateOperation = Operation<v1::CreateRoomRequest, v1::CreateRoomResponse>;
using UpgradeOperation = Operation<v1::UpgradeRoomRequest, v1::UpgradeRoomResponse>;

struct Operations {
  std::vector<CreateOperation> creates;
  std::vector<UpgradeOperation> upgrades;
};

// True if the error says that the storage takes no writes: what became of this one is
// unknown.
inline bool IsOfStorage(const grpc::Status& status) {
  return absl::StartsWith(ReasonOf(status), "STORAGE_");
}

// True if the call broke off before an answer came: every error of the server's own
// has a reason. gRPC ends calls that reach a server while it drains with CANCELLED
// (github.com/grpc/grpc/issues/41785).
inline bool IsUnanswered(const grpc::Status& status) {
  return ReasonOf(status).empty() && (status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                                      status.error_code() == grpc::StatusCode::CANCELLED ||
                                      status.error_code() == grpc::StatusCode::UNKNOWN);
}

// Records what an attempt of `operation` came to.
template <typename OperationType>
void Settle(OperationType& operation, const Reply<typename OperationType::Response>& reply) {
  if (reply.ok()) {
    operation.outcome = Outcome::kDone;
    operation.response = reply.response;
  } else if (IsUnanswered(reply.status) || IsOfStorage(reply.status)) {
    operation.outcome = Outcome::kUnknown;
    operation.was_unknown = true;
  } else {
    operation.outcome = Outcome::kRefused;
    operation.reason = ReasonOf(reply.status);
    operation.error_metadata = MetadataOf(reply.status);
    if (operation.reason.empty()) operation.reason = reply.status.error_message();
  }
}

// Makes an attempt of `operation`.
inline void Attempt(const TestClient& client, CreateOperation& operation) {
  Settle(operation, client.CreateRoom(operation.request));
}
inline void Attempt(const TestClient& client, UpgradeOperation& operation) {
  Settle(operation, client.UpgradeRoom(operation.request));
}

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_OPERATION_H_
