#include "server/config/config.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/config/host_port.h"

namespace innkeeper {
namespace {

bool IsOnLoopback(const std::string& host_port) {
  const auto address = ParseHostPort(host_port);
  return address && IsLoopback(address->host);
}

}  // namespace

absl::Status CheckConsistency(const ServerConfig& config) {
  const bool certificate = !config.tls_certificate_file.empty();
  const bool key = !config.tls_key_file.empty();
  const bool tls = certificate || key;
  std::vector<std::string> errors;
  if (certificate && !key) {
    errors.emplace_back("tls_certificate_file: needs tls_key_file too");
  }
  if (key && !certificate) {
    errors.emplace_back("tls_key_file: needs tls_certificate_file too");
  }
  if (config.jwt_keys_file.empty() != config.jwt_issuer.empty() ||
      config.jwt_keys_file.empty() != config.jwt_audience.empty()) {
    errors.emplace_back("jwt_keys_file: goes together with jwt_issuer and jwt_audience");
  }
  if (!config.tls_client_ca_file.empty() && !tls) {
    errors.emplace_back("tls_client_ca_file: needs tls_certificate_file and tls_key_file");
  }
  if (config.tls_client_certificates != ClientCertificates::kRequired &&
      config.tls_client_ca_file.empty()) {
    errors.emplace_back("tls_client_certificates: needs tls_client_ca_file");
  }
  if (!config.master_key_file.empty() && !config.master_key_command.empty()) {
    errors.emplace_back("master_key_command: not together with master_key_file");
  }
  if (config.allow_plaintext && tls) {
    errors.emplace_back(
        "allow_plaintext: contradicts tls_certificate_file; a server speaks either TLS or "
        "plaintext");
  }
  if (!tls && !config.allow_plaintext && !IsOnLoopback(config.listen_address)) {
    errors.push_back(absl::StrCat(
        "listen_address: ", config.listen_address,
        " can be reached from other machines, and tokens would cross the network unencrypted; set "
        "tls_certificate_file and tls_key_file, listen on 127.0.0.1 or [::1], or accept the risk "
        "with allow_plaintext=true"));
  }
  if (!config.metrics_address.empty() && !config.allow_remote_metrics &&
      !IsOnLoopback(config.metrics_address)) {
    errors.push_back(absl::StrCat(
        "metrics_address: ", config.metrics_address,
        " can be reached from other machines; listen on 127.0.0.1 or [::1], or let them read the "
        "metrics with allow_remote_metrics=true"));
  }
  if (config.event_retention > absl::ZeroDuration() &&
      config.event_min_retention > config.event_retention) {
    errors.push_back(
        absl::StrCat("event_min_retention: ", absl::FormatDuration(config.event_min_retention),
                     " is longer than event_retention, ",
                     absl::FormatDuration(config.event_retention), "; set it to that or less"));
  }
  if (errors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
}

}  // namespace innkeeper
