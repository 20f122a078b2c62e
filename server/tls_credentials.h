// File: server/tls_credentials.h
//
// What the server proves itself with to clients, and whose certificates it takes from them.

#ifndef INNKEEPER_SERVER_TLS_CREDENTIALS_H_
#define INNKEEPER_SERVER_TLS_CREDENTIALS_H_

#include <grpc/grpc_security.h>

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/security/server_credentials.h"
#include "server/auth/followed_file.h"
#include "server/config/config.h"
#include "server/tls_files.h"

namespace innkeeper {

// Certificate, key and client authorities of a server that speaks TLS, kept up with their
// files. Connections that are open go on with what they were opened with; every one that is
// opened later gets what is in force. Thread-safe.
//
// gRPC 1.51 asks for what is in force whenever a connection is accepted. It takes new files
// over without regard to connections that are accepted by another listening socket at that
// moment, so there is to be one socket: listen on an address, or on a name that has one.
class TlsCredentials {
 public:
  // Reads the files. The errors of ReadTlsFiles and CheckTlsFiles.
  static absl::StatusOr<std::unique_ptr<TlsCredentials>> Create(const ServerConfig& config);

  // For one server of gRPC. This object must outlive it.
  std::shared_ptr<grpc::ServerCredentials> ForServer();

  // As FollowedFile's: a set of files that is wrong is refused as a whole, and the one before
  // stays in force. So it is for the moment in which only one of certificate and key has been
  // replaced.
  absl::Status ReloadIfChanged();

 private:
  explicit TlsCredentials(const ServerConfig& config);

  // gRPC's way to ask, on any of its threads.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* credentials, grpc_ssl_server_certificate_config** config);
  grpc_ssl_certificate_config_reload_status GiveIfNew(grpc_ssl_server_certificate_config** config);

  const grpc_ssl_client_certificate_request_type request_type_;
  auth::FollowedFile<TlsFiles, TlsFiles> files_;
  absl::Mutex mutex_;
  std::shared_ptr<const TlsFiles> given_ ABSL_GUARDED_BY(mutex_);  // what gRPC has
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_TLS_CREDENTIALS_H_
