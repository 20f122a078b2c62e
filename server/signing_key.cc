#include "server/signing_key.h"

#include <glog/logging.h>
#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/file.h"
#include "server/rooms/event.h"

namespace innkeeper {
namespace {

constexpr size_t kMaxFileBytes = 4096;
constexpr char kFileName[] = "/signing.key";
// Bytes of the public key's hash in the version of a key that is made here: no two
// keys share an id.
constexpr size_t kVersionBytes = 4;

absl::Status WithOption(const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("signing_key_file: ", status.message()));
}

absl::Status Malformed(const std::string& path) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": must have one line, \"ed25519 VERSION SEED\": VERSION 1 to ",
                   rooms::kMaxKeyVersionBytes, " characters of A-Z a-z 0-9 _, SEED ",
                   rooms::kEd25519SeedBytes, " bytes in base64"));
}

absl::StatusOr<rooms::SigningKey> ParseKey(const std::string& path, absl::string_view text,
                                           const std::string& server_name) {
  const std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
  std::string seed;
  if (words.size() != 3 || words[0] != rooms::kKeyAlgorithm || !rooms::IsKeyVersion(words[1]) ||
      !absl::Base64Unescape(words[2], &seed) || seed.size() != rooms::kEd25519SeedBytes) {
    return Malformed(path);
  }
  return rooms::SigningKey{server_name, absl::StrCat(rooms::kKeyAlgorithm, ":", words[1]),
                           rooms::Ed25519Key(seed)};
}

absl::StatusOr<rooms::SigningKey> ReadKey(const std::string& path, const std::string& server_name) {
  const absl::StatusOr<FileContents> file = ReadFile(path, kMaxFileBytes);
  if (!file.ok()) return file.status();
  if ((file->mode & (S_IRWXG | S_IRWXO)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": others than its owner may read or write it; chmod 600 it"));
  }
  return ParseKey(path, file->bytes, server_name);
}

// Makes a key and the file `path` with it.
absl::Status MakeKey(const std::string& path, const RandomBytes& random) {
  const std::string seed = random(rooms::kEd25519SeedBytes);
  const std::string hash = rooms::Sha256(rooms::Ed25519Key(seed).public_key());
  const std::string version =
      absl::StrCat("a_", absl::BytesToHexString(hash.substr(0, kVersionBytes)));
  LOG(INFO) << "making the signing key " << rooms::kKeyAlgorithm << ":" << version << " in "
            << path;
  return WriteFile(
      path, absl::StrCat(rooms::kKeyAlgorithm, " ", version, " ", rooms::Base64(seed), "\n"));
}

}  // namespace

absl::StatusOr<rooms::SigningKey> LoadSigningKey(const ServerConfig& config,
                                                 const RandomBytes& random) {
  const bool is_ours = config.signing_key_file.empty();
  const std::string path =
      is_ours ? absl::StrCat(config.data_dir, kFileName) : config.signing_key_file;
  absl::StatusOr<rooms::SigningKey> key = ReadKey(path, config.server_name);
  if (is_ours && absl::IsNotFound(key.status())) {
    absl::Status made = MakeKey(path, random);
    if (!made.ok()) return WithOption(made);
    key = ReadKey(path, config.server_name);
  }
  if (!key.ok()) return WithOption(key.status());
  return key;
}

}  // namespace innkeeper
