// File: server/credentials.h

#ifndef INNKEEPER_SERVER_CREDENTIALS_H_
#define INNKEEPER_SERVER_CREDENTIALS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/security/server_credentials.h"
#include "server/config/config.h"

namespace innkeeper {

// What the configuration says of TLS: plaintext, TLS, or TLS with client
// certificates required. Reads the files that it names; an error says which one
// can't be read.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ServerConfig& config);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_CREDENTIALS_H_
