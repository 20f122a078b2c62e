#include "server/tls_credentials.h"

#include <glog/logging.h>
#include <grpc/grpc.h>

#include <string>

#include "absl/memory/memory.h"

namespace innkeeper {
namespace {

// gRPC has credentials that ask for their certificates in its C interface only.
class FetchingCredentials final : public grpc::ServerCredentials {
 public:
  FetchingCredentials(grpc_ssl_client_certificate_request_type request_type,
                      grpc_ssl_server_certificate_config_callback fetch, void* user_data)
      : credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(request_type, fetch,
                                                                            user_data))) {}
  ~FetchingCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {
    LOG(FATAL) << "calls are authenticated by their handlers";
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* const credentials_;
};

grpc_ssl_client_certificate_request_type RequestType(const ServerConfig& config) {
  if (config.tls_client_ca_file.empty()) return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
  switch (config.tls_client_certificates) {
    case ClientCertificates::kRequired:
      return GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    case ClientCertificates::kOptional:
      return GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  LOG(FATAL) << "no such choice";
}

absl::StatusOr<TlsFiles> Checked(const TlsFiles& files) {
  absl::Status status = CheckTlsFiles(files);
  if (!status.ok()) return status;
  LOG(INFO) << "the server's certificate expires at " << ExpiryOf(files);
  return files;
}

}  // namespace

TlsCredentials::TlsCredentials(const ServerConfig& config)
    : request_type_(RequestType(config)),
      files_(
          "TLS files", [config](const std::string&) { return ReadTlsFiles(config); }, Checked) {}

absl::StatusOr<std::unique_ptr<TlsCredentials>> TlsCredentials::Create(const ServerConfig& config) {
  auto credentials = absl::WrapUnique(new TlsCredentials(config));
  absl::Status loaded = credentials->ReloadIfChanged();
  if (!loaded.ok()) return loaded;
  return credentials;
}

std::shared_ptr<grpc::ServerCredentials> TlsCredentials::ForServer() {
  return std::make_shared<FetchingCredentials>(request_type_, &TlsCredentials::Fetch, this);
}

absl::Status TlsCredentials::ReloadIfChanged() { return files_.ReloadIfChanged(); }

grpc_ssl_certificate_config_reload_status TlsCredentials::Fetch(
    void* credentials, grpc_ssl_server_certificate_config** config) {
  return static_cast<TlsCredentials*>(credentials)->GiveIfNew(config);
}

grpc_ssl_certificate_config_reload_status TlsCredentials::GiveIfNew(
    grpc_ssl_server_certificate_config** config) {
  std::shared_ptr<const TlsFiles> files = files_.Get();
  absl::MutexLock lock(&mutex_);
  if (files == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  const grpc_ssl_pem_key_cert_pair pair = {.private_key = files->private_key.Expose().c_str(),
                                           .cert_chain = files->certificate_chain.c_str()};
  // gRPC 1.51 demands some authorities even if clients are asked for no certificates; then it
  // has no use for them.
  const std::string& authorities =
      files->client_authorities.empty() ? files->certificate_chain : files->client_authorities;
  *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
  given_ = std::move(files);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

}  // namespace innkeeper
