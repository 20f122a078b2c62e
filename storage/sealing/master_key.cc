#include "storage/sealing/master_key.h"

#include <glog/logging.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace innkeeper::storage {
namespace {

constexpr size_t kKeyIdBytes = 4;

std::string IdOf(const Secret& key) {
  constexpr absl::string_view kDomain = "innkeeper master key";
  std::array<uint8_t, EVP_MAX_MD_SIZE> hash;
  std::string text = absl::StrCat(kDomain, key.Expose());
  CHECK_EQ(EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha256(), nullptr), 1);
  Wipe(text);
  return absl::BytesToHexString({reinterpret_cast<const char*>(hash.data()), kKeyIdBytes});
}

}  // namespace

MasterKey::MasterKey(const Secret& key) : aead_(std::make_unique<Aead>(key)), id_(IdOf(key)) {}

std::string MasterKey::Wrap(absl::string_view purpose, const Secret& secret) const {
  Aead::Nonce nonce;
  CHECK_EQ(RAND_bytes(nonce.data(), nonce.size()), 1) << "the system gives no random bytes";
  std::string wrapped(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  aead_->Seal(nonce, {purpose, {}}, secret.Expose(), wrapped);
  return wrapped;
}

std::optional<Secret> MasterKey::Unwrap(absl::string_view purpose,
                                        absl::string_view wrapped) const {
  Aead::Nonce nonce;
  if (wrapped.size() < nonce.size()) return std::nullopt;
  std::memcpy(nonce.data(), wrapped.data(), nonce.size());
  std::string opened;
  if (!aead_->Open(nonce, {purpose, {}}, wrapped.substr(nonce.size()), opened)) return std::nullopt;
  Secret secret = Secret::Copy(opened);
  Wipe(opened);
  return secret;
}

absl::StatusOr<MasterKeys> ParseMasterKeys(absl::string_view text) {
  MasterKeys keys;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    std::string bytes;
    if (!absl::Base64Unescape(line, &bytes) || bytes.size() != Aead::kKeyBytes) {
      Wipe(bytes);
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, " must be ", Aead::kKeyBytes, " bytes in base64"));
    }
    keys.emplace_back(Secret::Copy(bytes));
    Wipe(bytes);
  }
  if (keys.empty()) return absl::InvalidArgumentError("there is no key in it");
  return keys;
}

std::string NewMasterKeyText() {
  std::string text;
  text.reserve(2 * Aead::kKeyBytes);  // so that it is not moved
  absl::Base64Escape(Secret::Random(Aead::kKeyBytes).Expose(), &text);
  text.push_back('\n');
  return text;
}

}  // namespace innkeeper::storage
