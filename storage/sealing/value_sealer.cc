#include "storage/sealing/value_sealer.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"

namespace innkeeper::storage {
namespace {

constexpr char kVersion = 1;
constexpr size_t kHeaderBytes = kSealBytes - Aead::kTagBytes;
constexpr size_t kCounterBytes = 8;

// Writes the `size` lowest bytes of `number` to `out`, big-endian.
template <typename Byte>
void Put(uint64_t number, size_t size, Byte* out) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<Byte>(number >> (8 * (size - 1 - i)));
}

uint32_t KeyIdOf(absl::string_view header) {
  uint32_t id = 0;
  for (const char byte : header.substr(1, 4)) id = id << 8 | static_cast<uint8_t>(byte);
  return id;
}

Aead::Nonce NonceOf(absl::string_view header) {
  Aead::Nonce nonce = {};
  std::copy(header.end() - kCounterBytes, header.end(), nonce.end() - kCounterBytes);
  return nonce;
}

}  // namespace

std::optional<uint32_t> SealingKeyId(absl::string_view sealed) {
  if (sealed.size() < kSealBytes || sealed[0] != kVersion) return std::nullopt;
  return KeyIdOf(sealed);
}

ValueSealer::ValueSealer(const std::vector<Keyring::DataKey>& keys) {
  for (const Keyring::DataKey& key : keys) Add(key);
}

std::string ValueSealer::Seal(absl::string_view place, absl::string_view value) const {
  std::string sealed;
  sealed.reserve(kSealBytes + value.size());
  sealed.resize(kHeaderBytes);
  sealed[0] = kVersion;
  absl::ReaderMutexLock lock(&mutex_);
  CHECK(current_ != nullptr) << "there is no key to seal with";
  Put(current_->id, 4, &sealed[1]);
  Put(current_->sealed.fetch_add(1, std::memory_order_relaxed), kCounterBytes, &sealed[5]);
  const std::string header = sealed;
  current_->aead.Seal(NonceOf(header), {header, place}, value, sealed);
  return sealed;
}

absl::Status ValueSealer::Open(absl::string_view place, absl::string_view sealed,
                               std::string& value) const {
  value.clear();
  const std::optional<uint32_t> id = SealingKeyId(sealed);
  if (!id) return absl::DataLossError("is not sealed as it should be");
  absl::ReaderMutexLock lock(&mutex_);
  const auto key = keys_.find(*id);
  if (key == keys_.end()) {
    return absl::DataLossError(
        absl::StrCat("is sealed with the data key ", *id, ", which is not in the keyring"));
  }
  const absl::string_view header = sealed.substr(0, kHeaderBytes);
  if (key->second->aead.Open(NonceOf(header), {header, place}, sealed.substr(kHeaderBytes),
                             value)) {
    return absl::OkStatus();
  }
  return absl::DataLossError("does not open: it was changed, or does not belong there");
}

void ValueSealer::Add(const Keyring::DataKey& key) {
  auto added = std::make_unique<DataKey>(key);
  absl::MutexLock lock(&mutex_);
  current_ = added.get();
  CHECK(keys_.emplace(key.id, std::move(added)).second) << "two data keys with one id";
}

void ValueSealer::Remove(uint32_t id) {
  absl::MutexLock lock(&mutex_);
  CHECK_NE(current_->id, id);
  keys_.erase(id);
}

}  // namespace innkeeper::storage
