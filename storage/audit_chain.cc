#include "storage/audit_chain.h"

#include <glog/logging.h>
#include <openssl/evp.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/keys.h"

namespace innkeeper::storage {
namespace {

constexpr absl::string_view kDomain = "innkeeper audit entry";
constexpr size_t kIntegerBytes = 8;

std::array<char, kIntegerBytes> BigEndian(uint64_t number) {
  std::array<char, kIntegerBytes> bytes;
  for (size_t i = kIntegerBytes; i-- > 0; number >>= 8) bytes[i] = static_cast<char>(number & 0xff);
  return bytes;
}

template <size_t kSize>
absl::string_view View(const std::array<char, kSize>& bytes) {
  return {bytes.data(), kSize};
}

// Looked up once: that takes longer than to hash an entry.
const EVP_MD* Sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

}  // namespace

std::optional<AuditHash> ParseAuditHash(absl::string_view bytes) {
  if (bytes.size() != kAuditHashBytes) return std::nullopt;
  AuditHash hash;
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

std::string AuditKey(uint64_t number) { return KeyBuilder(Table::kAuditEntry).U64(number).Build(); }

std::optional<uint64_t> ParseAuditKey(absl::string_view key) {
  if (key.empty() || key[0] != static_cast<char>(Table::kAuditEntry)) return std::nullopt;
  KeyReader reader(key);
  const std::optional<uint64_t> number = reader.U64();
  return reader.rest().empty() ? number : std::nullopt;
}

std::string EncodeAuditValue(const AuditHash& previous_hash, absl::Time commit_time,
                             absl::string_view payload) {
  const auto micros = static_cast<uint64_t>(absl::ToUnixMicros(commit_time));
  return absl::StrCat(BytesOf(previous_hash), View(BigEndian(micros)), payload);
}

std::optional<AuditValue> ParseAuditValue(absl::string_view value) {
  if (value.size() < kAuditHashBytes + kIntegerBytes) return std::nullopt;
  AuditValue parts;
  parts.previous_hash = *ParseAuditHash(value.substr(0, kAuditHashBytes));
  value.remove_prefix(kAuditHashBytes);
  uint64_t micros = 0;
  for (const char byte : value.substr(0, kIntegerBytes)) {
    micros = micros << 8 | static_cast<uint8_t>(byte);
  }
  parts.commit_time = absl::FromUnixMicros(static_cast<int64_t>(micros));
  parts.payload = value.substr(kIntegerBytes);
  return parts;
}

AuditHash HashAuditEntry(uint64_t number, absl::string_view value) {
  const std::string text = absl::StrCat(kDomain, View(BigEndian(number)), value);
  AuditHash hash;
  CHECK_EQ(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(hash.data()),
                      nullptr, Sha256(), nullptr),
           1);
  return hash;
}

}  // namespace innkeeper::storage
