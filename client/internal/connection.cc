#include "client/internal/connection.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/internal/status.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace innkeeper::client_internal {
namespace {

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

std::shared_ptr<grpc::ChannelCredentials> Credentials(const ClientOptions& options) {
  if (!options.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = options.tls->root_certificates;
  ssl.pem_cert_chain = options.tls->certificate_chain;
  ssl.pem_private_key = options.tls->private_key;
  return grpc::SslCredentials(ssl);
}

// gRPC ends the process over metadata that are not printable.
bool IsSendable(absl::string_view token) {
  return std::all_of(token.begin(), token.end(),
                     [](char c) { return absl::ascii_isprint(static_cast<unsigned char>(c)); });
}

}  // namespace

Connection::Connection(ClientOptions options, ClientSurroundings surroundings)
    : options_(std::move(options)),
      surroundings_(std::move(surroundings)),
      channel_(NewChannel()),
      directory_(v1::RoomDirectory::NewStub(channel_)),
      lifecycle_(v1::RoomLifecycle::NewStub(channel_)),
      membership_(v1::RoomMembership::NewStub(channel_)),
      state_(v1::RoomState::NewStub(channel_)),
      subscriptions_(v1::EventSubscriptions::NewStub(channel_)),
      supervision_(v1::Supervision::NewStub(channel_)),
      audit_(v1::AuditLog::NewStub(channel_)) {}

std::shared_ptr<grpc::Channel> Connection::NewChannel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Milliseconds(options_.backoff.initial));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Milliseconds(options_.backoff.maximum));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options_.keepalive_time));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options_.keepalive_time / 2));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // The events of one commit come in one message, however many they are.
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(options_.endpoint, Credentials(options_), arguments);
}

absl::Status Connection::Authorize(grpc::ClientContext& context) const {
  if (!options_.token) return absl::OkStatus();
  const absl::StatusOr<std::string> token = options_.token();
  if (!token.ok()) return token.status();
  if (!IsSendable(*token)) {
    return absl::InvalidArgumentError("the token has characters that are not printable ASCII");
  }
  context.AddMetadata("authorization", absl::StrCat("Bearer ", *token));
  return absl::OkStatus();
}

absl::Status Connection::Attempt(absl::string_view method, grpc::ClientContext& context,
                                 absl::Time deadline,
                                 absl::FunctionRef<grpc::Status()> call) const {
  absl::Status authorized = Authorize(context);
  if (!authorized.ok()) return authorized;
  context.set_deadline(absl::ToChronoTime(deadline));
  return ToAbslStatus(method, call());
}

}  // namespace innkeeper::client_internal
