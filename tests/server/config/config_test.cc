#include "server/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace innkeeper {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

ServerConfig WithTls() {
  ServerConfig config;
  config.listen_address = "0.0.0.0:7447";
  config.tls_certificate_file = "server.crt";
  config.tls_key_file = "server.key";
  return config;
}

std::string Complaint(const ServerConfig& config) {
  const absl::Status status = CheckConsistency(config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(CheckConsistencyTest, AcceptsPlaintextOnLoopbackAndTlsEverywhere) {
  EXPECT_TRUE(CheckConsistency(ServerConfig()).ok());
  ServerConfig config = WithTls();
  EXPECT_TRUE(CheckConsistency(config).ok());
  config.tls_client_ca_file = "clients.crt";
  EXPECT_TRUE(CheckConsistency(config).ok());
}

TEST(CheckConsistencyTest, RefusesPlaintextForOtherMachinesUnlessToldToAllowIt) {
  ServerConfig config;
  for (const char* address :
       {"0.0.0.0:7447", "[::]:7447", "10.1.2.3:0", "rooms.example.org:7447"}) {
    config.listen_address = address;
    config.allow_plaintext = false;
    EXPECT_THAT(Complaint(config), AllOf(StartsWith("listen_address: "), HasSubstr(address),
                                         HasSubstr("allow_plaintext=true")));
    config.allow_plaintext = true;
    EXPECT_TRUE(CheckConsistency(config).ok()) << address;
  }
}

TEST(CheckConsistencyTest, KeepsMetricsFromOtherMachinesUnlessToldNotTo) {
  ServerConfig config = WithTls();
  config.metrics_address = "[::1]:9464";
  EXPECT_TRUE(CheckConsistency(config).ok());
  config.metrics_address = "0.0.0.0:9464";
  EXPECT_THAT(Complaint(config), AllOf(StartsWith("metrics_address: 0.0.0.0:9464"),
                                       HasSubstr("allow_remote_metrics=true")));
  config.allow_remote_metrics = true;
  EXPECT_TRUE(CheckConsistency(config).ok());
}

TEST(CheckConsistencyTest, EventsAreNotKeptLongerAtLeastThanAtMost) {
  ServerConfig config;
  config.event_retention = absl::Minutes(30);
  EXPECT_EQ(Complaint(config),
            "event_min_retention: 1h is longer than event_retention, 30m; set it to that or less");
  config.event_min_retention = absl::Minutes(30);
  EXPECT_TRUE(CheckConsistency(config).ok());
  config.event_retention = absl::ZeroDuration();  // for ever
  config.event_min_retention = absl::Hours(100);
  EXPECT_TRUE(CheckConsistency(config).ok());
}

TEST(CheckConsistencyTest, CertificateAndKeyGoTogether) {
  ServerConfig config = WithTls();
  config.tls_key_file.clear();
  EXPECT_EQ(Complaint(config), "tls_certificate_file: needs tls_key_file too");
  config = WithTls();
  config.tls_certificate_file.clear();
  EXPECT_EQ(Complaint(config), "tls_key_file: needs tls_certificate_file too");
}

TEST(CheckConsistencyTest, WhatIsSaidOfJsonWebTokensGoesTogether) {
  ServerConfig config;
  config.jwt_keys_file = "keys.json";
  config.jwt_issuer = "https://issuer.example";
  EXPECT_EQ(Complaint(config), "jwt_keys_file: goes together with jwt_issuer and jwt_audience");
  config.jwt_audience = "innkeeper";
  EXPECT_TRUE(CheckConsistency(config).ok());
  config.jwt_keys_file.clear();
  EXPECT_EQ(Complaint(config), "jwt_keys_file: goes together with jwt_issuer and jwt_audience");
}

TEST(CheckConsistencyTest, ClientCertificatesNeedTls) {
  ServerConfig config;
  config.tls_client_ca_file = "clients.crt";
  EXPECT_EQ(Complaint(config), "tls_client_ca_file: needs tls_certificate_file and tls_key_file");
  config = WithTls();
  config.tls_client_certificates = ClientCertificates::kOptional;
  EXPECT_EQ(Complaint(config), "tls_client_certificates: needs tls_client_ca_file");
}

TEST(CheckConsistencyTest, TlsContradictsPlaintext) {
  ServerConfig config = WithTls();
  config.allow_plaintext = true;
  EXPECT_THAT(Complaint(config), StartsWith("allow_plaintext: contradicts tls_certificate_file"));
}

TEST(CheckConsistencyTest, NamesEverythingThatIsWrong) {
  ServerConfig config;
  config.listen_address = "0.0.0.0:7447";
  config.tls_client_ca_file = "clients.crt";
  EXPECT_THAT(Complaint(config),
              AllOf(HasSubstr("tls_client_ca_file: "), HasSubstr("\nlisten_address: ")));
}

}  // namespace
}  // namespace innkeeper
