#include "server/signing_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/base/file.h"
#include "server/rooms/event.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

// A published pair.
constexpr char kSeed[] = "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1";
constexpr char kPublicKey[] = "XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI";

class SigningKeyTest : public testing::Test {
 protected:
  SigningKeyTest() {
    config_.server_name = "example.org";
    config_.data_dir = dir_.path();
  }

  absl::StatusOr<rooms::SigningKey> Load() const { return LoadSigningKey(config_, SecureRandom()); }

  std::string Complaint() const {
    const absl::Status status = Load().status();
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }

  const TempDir dir_;
  ServerConfig config_;
};

TEST_F(SigningKeyTest, ReadsAFileOfSynapse) {
  for (const std::string& text :
       {absl::StrCat("ed25519 a_zZ09 ", kSeed, "\n"), absl::StrCat("ed25519 a_zZ09 ", kSeed),
        absl::StrCat("ed25519\ta_zZ09 ", kSeed, "=\r\n")}) {
    config_.signing_key_file = dir_.Write("key", text);
    const auto key = Load();
    ASSERT_TRUE(key.ok()) << key.status();
    EXPECT_EQ(key->server_name, "example.org");
    EXPECT_EQ(key->key_id, "ed25519:a_zZ09");
    EXPECT_EQ(rooms::Base64(key->key.public_key()), kPublicKey);
  }
}

TEST_F(SigningKeyTest, IsMadeOnceForItsOwnerAlone) {
  const auto made = Load();
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(made->key_id, MatchesRegex("ed25519:a_[0-9a-f]{8}"));
  const auto file = ReadFile(dir_.File("signing.key"), 4096);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->mode & 0777, 0600u);
  const auto again = Load();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->key_id, made->key_id);
  EXPECT_EQ(again->key.public_key(), made->key.public_key());
}

TEST_F(SigningKeyTest, ServersGetKeysAndIdsOfTheirOwn) {
  const auto one = Load();
  const TempDir other;
  config_.data_dir = other.path();
  const auto two = Load();
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_NE(one->key.public_key(), two->key.public_key());
  EXPECT_NE(one->key_id, two->key_id);
}

TEST_F(SigningKeyTest, AFileThatIsNamedMustBeThere) {
  config_.signing_key_file = dir_.File("none");
  EXPECT_THAT(Complaint(), StartsWith("signing_key_file: " + dir_.File("none")));
  EXPECT_FALSE(ReadFile(dir_.File("none"), 1).ok());
}

TEST_F(SigningKeyTest, OthersMayNeitherReadNorWriteIt) {
  config_.signing_key_file = dir_.Write("key", absl::StrCat("ed25519 a ", kSeed));
  ASSERT_TRUE(Load().ok());
  for (const mode_t mode : {0640u, 0620u, 0610u, 0604u, 0602u, 0601u}) {
    ASSERT_EQ(chmod(config_.signing_key_file.c_str(), mode), 0);
    EXPECT_THAT(Complaint(), AllOf(StartsWith("signing_key_file: "), HasSubstr("chmod 600")))
        << mode;
  }
  ASSERT_EQ(chmod(config_.signing_key_file.c_str(), 0400), 0);
  EXPECT_TRUE(Load().ok());
}

TEST_F(SigningKeyTest, AMalformedFileIsRefusedAndNotQuoted) {
  const std::string line = absl::StrCat("ed25519 a ", kSeed);
  for (const std::string& text :
       {std::string(), std::string("ed25519"), absl::StrCat("ed25519 ", kSeed),
        absl::StrCat("rsa a ", kSeed), absl::StrCat("ed25519 a:b ", kSeed),
        absl::StrCat("ed25519 ", std::string(65, 'a'), " ", kSeed), absl::StrCat(line, " more"),
        absl::StrCat(line, "\n", line), line.substr(0, line.size() - 2), absl::StrCat(line, "AAA"),
        absl::StrCat("ed25519 a %", kSeed), std::string(5000, 'a')}) {
    config_.signing_key_file = dir_.Write("key", text);
    EXPECT_THAT(Complaint(), AllOf(StartsWith("signing_key_file: "), HasSubstr(dir_.File("key")),
                                   Not(HasSubstr("YJDB"))))
        << text;
  }
}

TEST_F(SigningKeyTest, AnUnreadableFileInTheDataDirectoryIsNotReplaced) {
  ASSERT_EQ(mkdir(dir_.File("signing.key").c_str(), 0700), 0);
  EXPECT_THAT(Complaint(), HasSubstr("is not a regular file"));
  EXPECT_EQ(rmdir(dir_.File("signing.key").c_str()), 0);
  dir_.Write("signing.key", "damaged");
  EXPECT_THAT(Complaint(), HasSubstr("must have one line"));
  EXPECT_EQ(ReadFile(dir_.File("signing.key"), 4096)->bytes, "damaged");
}

}  // namespace
}  // namespace innkeeper
