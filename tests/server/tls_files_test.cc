#include "server/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_authority.h"

namespace innkeeper {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class TlsFilesTest : public testing::Test {
 protected:
  // Files that are right, for tests to spoil.
  TlsFiles Good() const {
    const TestCertificate server = authority_.Issue("DNS:localhost");
    return {absl::StrCat(server.certificate, authority_.certificate()), Redacted(server.key),
            authority_.certificate()};
  }

  static std::string Complaint(const TlsFiles& files) {
    const absl::Status status = CheckTlsFiles(files);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }

  const TestAuthority authority_;
};

TEST_F(TlsFilesTest, GoodOnesAreGood) {
  TlsFiles files = Good();
  EXPECT_TRUE(CheckTlsFiles(files).ok()) << CheckTlsFiles(files);
  files.client_authorities.clear();
  EXPECT_TRUE(CheckTlsFiles(files).ok());
  files.certificate_chain = absl::StrCat("A comment\n", files.certificate_chain, "\n\nAnother\n");
  EXPECT_TRUE(CheckTlsFiles(files).ok()) << CheckTlsFiles(files);
}

TEST_F(TlsFilesTest, NamesWhatIsWrongAndQuotesNothing) {
  const TlsFiles good = Good();
  const std::string cut = good.certificate_chain.substr(0, good.certificate_chain.size() - 100);
  for (const std::string& chain :
       {std::string(), std::string("s3cret"), good.private_key.Expose(), cut}) {
    TlsFiles files = good;
    files.certificate_chain = chain;
    EXPECT_EQ(Complaint(files), "tls_certificate_file: has no certificates in PEM");
    files = good;
    files.client_authorities = chain.empty() ? " " : chain;
    EXPECT_EQ(Complaint(files), "tls_client_ca_file: has no certificates in PEM");
  }
  for (const std::string& key : {std::string(), std::string("s3cret"), good.certificate_chain}) {
    TlsFiles files = good;
    files.private_key = Redacted(key);
    EXPECT_EQ(Complaint(files), "tls_key_file: has no private key in PEM that needs no passphrase");
  }
}

TEST_F(TlsFilesTest, TheKeyIsThatOfTheFirstCertificate) {
  TlsFiles files = Good();
  files.private_key = Redacted(authority_.Issue("").key);
  EXPECT_EQ(Complaint(files), "tls_key_file: is not the key of the first certificate");
  files = Good();
  const std::string leaf = files.certificate_chain.substr(
      0, files.certificate_chain.size() - authority_.certificate().size());
  files.certificate_chain = absl::StrCat(authority_.certificate(), leaf);
  EXPECT_EQ(Complaint(files), "tls_key_file: is not the key of the first certificate");
}

TEST_F(TlsFilesTest, AHashTellsThemApart) {
  const TlsFiles files = {"a", Redacted("b"), "c"};
  EXPECT_EQ(HashOf(files), HashOf(TlsFiles{"a", Redacted("b"), "c"}));
  for (const TlsFiles& other :
       {TlsFiles{"b", Redacted("b"), "c"}, TlsFiles{"a", Redacted("c"), "c"},
        TlsFiles{"a", Redacted("b"), ""}, TlsFiles{"ab", Redacted(), "c"}}) {
    EXPECT_NE(HashOf(files), HashOf(other));
  }
}

TEST_F(TlsFilesTest, TellsWhenTheCertificateExpires) {
  EXPECT_THAT(ExpiryOf(Good()), testing::MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_EQ(ExpiryOf({}), "");
}

TEST_F(TlsFilesTest, AreReadFromWhereTheConfigurationSays) {
  const TempDir dir;
  const TlsFiles good = Good();
  ServerConfig config;
  config.tls_certificate_file = dir.Write("server.crt", good.certificate_chain);
  config.tls_key_file = dir.Write("server.key", good.private_key.Expose());
  auto files = ReadTlsFiles(config);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->certificate_chain, good.certificate_chain);
  EXPECT_EQ(files->private_key, good.private_key);
  EXPECT_EQ(files->client_authorities, "");

  config.tls_client_ca_file = dir.Write("clients.crt", good.client_authorities);
  EXPECT_EQ(ReadTlsFiles(config)->client_authorities, good.client_authorities);
  dir.Write("clients.crt", "");
  EXPECT_EQ(ReadTlsFiles(config).status().message(), "tls_client_ca_file: is empty")
      << "that would ask for no certificates at all";
  dir.Write("clients.crt", good.client_authorities);
  ASSERT_EQ(chmod(config.tls_client_ca_file.c_str(), 0620), 0);
  EXPECT_THAT(std::string(ReadTlsFiles(config).status().message()),
              testing::AllOf(StartsWith("tls_client_ca_file: "), HasSubstr("may write to it")));
  config.tls_key_file = dir.File("none");
  EXPECT_THAT(std::string(ReadTlsFiles(config).status().message()),
              StartsWith(absl::StrCat("tls_key_file: ", dir.File("none"))));
}

}  // namespace
}  // namespace innkeeper
