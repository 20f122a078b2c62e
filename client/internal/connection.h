// File: client/internal/connection.h

#ifndef INNKEEPER_CLIENT_INTERNAL_CONNECTION_H_
#define INNKEEPER_CLIENT_INTERNAL_CONNECTION_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/options.h"
#include "client/surroundings.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "innkeeper/v1/audit_log.grpc.pb.h"
#include "innkeeper/v1/event_subscriptions.grpc.pb.h"
#include "innkeeper/v1/room_directory.grpc.pb.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "innkeeper/v1/room_membership.grpc.pb.h"
#include "innkeeper/v1/room_state.grpc.pb.h"
#include "innkeeper/v1/supervision.grpc.pb.h"

namespace innkeeper::client_internal {

// What clients and watches of one server share. Thread-safe.
class Connection {
 public:
  Connection(ClientOptions options, ClientSurroundings surroundings);

  const ClientOptions& options() const { return options_; }
  const ClientSurroundings& surroundings() const { return surroundings_; }

  // Stubs of the channel for unary calls.
  v1::RoomDirectory::Stub& directory() const { return *directory_; }
  v1::RoomLifecycle::Stub& lifecycle() const { return *lifecycle_; }
  v1::RoomMembership::Stub& membership() const { return *membership_; }
  v1::RoomState::Stub& state() const { return *state_; }
  v1::EventSubscriptions::Stub& subscriptions() const { return *subscriptions_; }
  v1::Supervision::Stub& supervision() const { return *supervision_; }
  v1::AuditLog::Stub& audit() const { return *audit_; }

  // Returns a channel that shares no connection with others: one that went dead
  // without a word does not come back with it, nor do gRPC's own pauses between
  // connection attempts.
  std::shared_ptr<grpc::Channel> NewChannel() const;

  // Gives `context` the token. Errors: that of the token provider; INVALID_ARGUMENT
  // if the token cannot be sent.
  absl::Status Authorize(grpc::ClientContext& context) const;

  // Makes one attempt at a unary call: `call` with `context`, which gets the token and
  // the deadline. `method` is its name, for errors. Blocks. Errors: those of Authorize,
  // and ToAbslStatus of those of the call.
  absl::Status Attempt(absl::string_view method, grpc::ClientContext& context, absl::Time deadline,
                       absl::FunctionRef<grpc::Status()> call) const;

 private:
  const ClientOptions options_;
  const ClientSurroundings surroundings_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::RoomDirectory::Stub> directory_;
  const std::unique_ptr<v1::RoomLifecycle::Stub> lifecycle_;
  const std::unique_ptr<v1::RoomMembership::Stub> membership_;
  const std::unique_ptr<v1::RoomState::Stub> state_;
  const std::unique_ptr<v1::EventSubscriptions::Stub> subscriptions_;
  const std::unique_ptr<v1::Supervision::Stub> supervision_;
  const std::unique_ptr<v1::AuditLog::Stub> audit_;
};

}  // namespace innkeeper::client_internal

#endif  // INNKEEPER_CLIENT_INTERNAL_CONNECTION_H_
