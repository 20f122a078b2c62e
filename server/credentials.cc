#include "server/credentials.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/file.h"

namespace innkeeper {
namespace {

constexpr size_t kMaxPemBytes = size_t{1} << 20;

absl::StatusOr<std::string> ReadPem(absl::string_view option, const std::string& path) {
  absl::StatusOr<FileContents> file = ReadFile(path, kMaxPemBytes);
  if (!file.ok()) {
    return absl::Status(file.status().code(), absl::StrCat(option, ": ", file.status().message()));
  }
  return std::move(file->bytes);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ServerConfig& config) {
  if (config.tls_certificate_file.empty()) return grpc::InsecureServerCredentials();
  auto certificate = ReadPem("tls_certificate_file", config.tls_certificate_file);
  if (!certificate.ok()) return certificate.status();
  auto key = ReadPem("tls_key_file", config.tls_key_file);
  if (!key.ok()) return key.status();
  grpc::SslServerCredentialsOptions options;
  if (!config.tls_client_ca_file.empty()) {
    auto client_ca = ReadPem("tls_client_ca_file", config.tls_client_ca_file);
    if (!client_ca.ok()) return client_ca.status();
    options.pem_root_certs = *std::move(client_ca);
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  options.pem_key_cert_pairs.push_back({*std::move(key), *std::move(certificate)});
  return grpc::SslServerCredentials(options);
}

}  // namespace innkeeper
