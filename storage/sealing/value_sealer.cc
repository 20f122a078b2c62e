#include "storage/sealing/value_sealer.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <memory>

#include "absl/strings/str_cat.h"

namespace innkeeper::storage {
namespace {

constexpr char kVersion = 1;
constexpr char kRoomVersion = 2;
constexpr size_t kKeyIdAt = 1;
constexpr size_t kCounterAt = 5;
constexpr size_t kSecretIdAt = 13;
constexpr size_t kHeaderBytes = kSealBytes - Aead::kTagBytes;
constexpr size_t kRoomHeaderBytes = kRoomSealBytes - Aead::kTagBytes;

// How many of the keys that are made of rooms' secrets are kept in memory, some 100 bytes each.
constexpr size_t kRoomKeys = 16'384;

// Writes the `size` lowest bytes of `number` to `out`, big-endian.
void Put(uint64_t number, size_t size, char* out) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(number >> (8 * (size - 1 - i)));
}

uint64_t Get(absl::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

Aead::Nonce NonceOf(absl::string_view header) {
  const absl::string_view counter = header.substr(kCounterAt, 8);
  Aead::Nonce nonce = {};
  std::copy(counter.begin(), counter.end(), nonce.end() - counter.size());
  return nonce;
}

bool LooksSealed(absl::string_view sealed) {
  return (sealed.size() >= kSealBytes && sealed[0] == kVersion) ||
         (sealed.size() >= kRoomSealBytes && sealed[0] == kRoomVersion);
}

absl::Status DoesNotOpen() {
  return absl::DataLossError("does not open: it was changed, or does not belong there");
}

}  // namespace

std::optional<uint32_t> SealingKeyId(absl::string_view sealed) {
  if (!LooksSealed(sealed)) return std::nullopt;
  return static_cast<uint32_t>(Get(sealed.substr(kKeyIdAt, 4)));
}

std::optional<uint64_t> SealingSecretId(absl::string_view sealed) {
  if (!LooksSealed(sealed) || sealed[0] != kRoomVersion) return std::nullopt;
  return Get(sealed.substr(kSecretIdAt, 8));
}

ValueSealer::ValueSealer(const std::vector<Keyring::DataKey>& keys) : room_keys_(kRoomKeys) {
  for (const Keyring::DataKey& key : keys) Add(key);
}

std::string ValueSealer::Seal(absl::string_view place, absl::string_view value,
                              const RoomSecret* secret) const {
  std::string sealed;
  sealed.reserve(kRoomSealBytes + value.size());
  sealed.resize(secret == nullptr ? kHeaderBytes : kRoomHeaderBytes);
  sealed[0] = secret == nullptr ? kVersion : kRoomVersion;
  absl::ReaderMutexLock lock(&mutex_);
  CHECK(current_ != nullptr) << "there is no key to seal with";
  Put(current_->id, 4, &sealed[kKeyIdAt]);
  Put(current_->sealed.fetch_add(1, std::memory_order_relaxed), 8, &sealed[kCounterAt]);
  if (secret != nullptr) Put(secret->id, 8, &sealed[kSecretIdAt]);
  const std::string header = sealed;
  if (secret == nullptr) {
    current_->aead.Seal(NonceOf(header), {header, place}, value, sealed);
  } else {
    const RoomKey key = KeyOf(*current_, *secret);
    room_aead_.Seal({{current_->id, secret->id}, *key}, NonceOf(header), {header, place}, value,
                    sealed);
  }
  return sealed;
}

absl::Status ValueSealer::Open(absl::string_view place, absl::string_view sealed,
                               std::string& value, const RoomSecret* secret) const {
  absl::Status opened = OpenInto(place, sealed, value, secret);
  if (!opened.ok()) value.clear();
  return opened;
}

absl::Status ValueSealer::OpenInto(absl::string_view place, absl::string_view sealed,
                                   std::string& value, const RoomSecret* secret) const {
  const std::optional<uint32_t> id = SealingKeyId(sealed);
  if (!id) return absl::DataLossError("is not sealed as it should be");
  absl::ReaderMutexLock lock(&mutex_);
  const auto key = keys_.find(*id);
  if (key == keys_.end()) {
    return absl::DataLossError(
        absl::StrCat("is sealed with the data key ", *id, ", which is not in the keyring"));
  }
  const std::optional<uint64_t> secret_id = SealingSecretId(sealed);
  const size_t header_bytes = secret_id ? kRoomHeaderBytes : kHeaderBytes;
  const absl::string_view header = sealed.substr(0, header_bytes);
  const absl::string_view text = sealed.substr(header_bytes);
  const Aead::Place all = {header, place};
  const DataKey& data_key = *key->second;
  if (!secret_id) {
    if (data_key.aead.Open(NonceOf(header), all, text, value)) return absl::OkStatus();
    return DoesNotOpen();
  }
  if (secret == nullptr || secret->id != *secret_id) {
    return absl::DataLossError("takes a room's secret, and there is none");
  }
  const RoomKey room_key = KeyOf(data_key, *secret);
  if (room_aead_.Open({{data_key.id, secret->id}, *room_key}, NonceOf(header), all, text, value)) {
    return absl::OkStatus();
  }
  return DoesNotOpen();
}

void ValueSealer::Add(const Keyring::DataKey& key) {
  auto added = std::make_unique<DataKey>(key);
  absl::MutexLock lock(&mutex_);
  current_ = added.get();
  CHECK(keys_.emplace(key.id, std::move(added)).second) << "two data keys with one id";
}

ValueSealer::RoomKey ValueSealer::KeyOf(const DataKey& key, const RoomSecret& secret) const {
  const RoomKeyName name(key.id, secret.id);
  RoomKey known = room_keys_.Find(name);
  if (known != nullptr) return known;
  const uint64_t epoch = room_keys_.epoch();
  Secret made(Aead::kKeyBytes);
  static_assert(HmacSha256::kBytes == Aead::kKeyBytes);
  key.hmac.Compute(secret.secret.Expose(), "", made.data());
  known = std::make_shared<Secret>(std::move(made));
  room_keys_.Put(name, known, epoch);
  return known;
}

}  // namespace innkeeper::storage
