#include "storage/sealing/keyring.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/keys.h"
#include "storage/record_codec.h"
#include "storage/sealing/aead.h"
#include "storage/sealing/name_cipher.h"

namespace innkeeper::storage {
namespace {

constexpr absl::string_view kNameKey = "name key";
constexpr int kMaxDataKeys = 100;  // before what the older ones seal is sealed anew

std::string PurposeOfDataKey(uint32_t id) { return absl::StrCat("data key ", id); }

absl::StatusOr<std::optional<Stored<KeyringRecord>>> Read(const Engine& engine) {
  const auto value = engine.Get(KeyringKey());
  if (!value.ok()) return value.status();
  return DecodeStored<KeyringRecord>(KeyringKey(), *value);
}

// Wraps and unwraps keys for the keyring.
class Wrapper {
 public:
  explicit Wrapper(const MasterKeys& master_keys) : master_keys_(master_keys) {}

  void Wrap(absl::string_view purpose, const Secret& secret, WrappedKeyRecord& record) const {
    record.set_master_key_id(master_keys_.front().id());
    record.set_wrapped(master_keys_.front().Wrap(purpose, secret));
  }

  // Unwraps a key, and wraps it anew if the first master key did not wrap it.
  absl::StatusOr<Secret> Renew(absl::string_view purpose, size_t size,
                               WrappedKeyRecord& record) const {
    const auto key = std::find_if(master_keys_.begin(), master_keys_.end(), [&](const auto& each) {
      return each.id() == record.master_key_id();
    });
    if (key == master_keys_.end()) return Missing(record.master_key_id());
    std::optional<Secret> secret = key->Unwrap(purpose, record.wrapped());
    if (!secret || secret->size() != size) {
      return absl::DataLossError(absl::StrCat("the store's keyring is damaged: the ", purpose,
                                              " does not open with the master key ", key->id()));
    }
    if (key != master_keys_.begin()) Wrap(purpose, *secret, record);
    return *std::move(secret);
  }

 private:
  absl::Status Missing(absl::string_view id) const {
    std::string there;
    for (const MasterKey& key : master_keys_) absl::StrAppend(&there, " ", key.id());
    return absl::FailedPreconditionError(absl::StrCat(
        "the store is sealed with the master key ", id, ", which is not among those given (",
        there.substr(1), "); add it as a further line"));
  }

  const MasterKeys& master_keys_;
};

absl::Status RequireEmpty(const Engine& engine) {
  bool empty = engine.log_bounds().head == 0;
  absl::Status scanned = engine.NewSnapshot()->Scan(
      absl::string_view("\0", 1), "\xFF", [&](absl::string_view, absl::string_view, Revision) {
        empty = false;
        return false;
      });
  if (!scanned.ok() || empty) return scanned;
  return absl::FailedPreconditionError(
      "the store is not sealed, and only an empty one can be; turn sealing off to go on with it");
}

// Puts `record` in place of the one of that revision; false if there is another by now.
absl::StatusOr<bool> Replace(Engine& engine, const KeyringRecord& record, Revision revision) {
  CommitRequest request;
  request.may_use_reserve = true;
  request.preconditions.push_back({KeyringKey(), revision});
  request.writes.push_back({KeyringKey(), Encode(record)});
  const CommitResult result = CommitAndWait(engine, std::move(request));
  if (absl::IsAborted(result.status)) return false;
  if (!result.status.ok()) return result.status;
  return true;
}

// Makes `record` one with a data key more, and returns its keys.
absl::StatusOr<Keyring> AddDataKey(const Wrapper& wrapper, absl::Time now, KeyringRecord& record) {
  Keyring keyring;
  if (!record.has_name_key()) {
    wrapper.Wrap(kNameKey, Secret::Random(NameCipher::kKeyBytes), *record.mutable_name_key());
  }
  const std::string master_key_id = record.name_key().master_key_id();
  auto name_key = wrapper.Renew(kNameKey, NameCipher::kKeyBytes, *record.mutable_name_key());
  if (!name_key.ok()) return name_key.status();
  keyring.name_key = *std::move(name_key);

  record.set_last_id(record.last_id() + 1);
  DataKeyRecord& added = *record.add_data_keys();
  added.set_id(record.last_id());
  added.set_create_time_us(absl::ToUnixMicros(now));
  if (record.name_key().master_key_id() != master_key_id ||
      record.data_keys_size() > kMaxDataKeys) {
    record.set_reseal_before(added.id());
  }
  wrapper.Wrap(PurposeOfDataKey(added.id()), Secret::Random(Aead::kKeyBytes), *added.mutable_key());
  for (DataKeyRecord& each : *record.mutable_data_keys()) {
    auto key = wrapper.Renew(PurposeOfDataKey(each.id()), Aead::kKeyBytes, *each.mutable_key());
    if (!key.ok()) return key.status();
    keyring.data_keys.push_back({each.id(), *std::move(key)});
  }
  keyring.master_key_id = record.name_key().master_key_id();
  return keyring;
}

}  // namespace

std::string KeyringKey() { return KeyBuilder(Table::kKeyring).Build(); }

absl::StatusOr<std::optional<KeyringRecord>> ReadKeyring(const Engine& engine) {
  auto stored = Read(engine);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return std::nullopt;
  return std::move((*stored)->record);
}

absl::StatusOr<Keyring> OpenKeyring(Engine& engine, const MasterKeys& master_keys, absl::Time now) {
  const Wrapper wrapper(master_keys);
  while (true) {
    auto stored = Read(engine);
    if (!stored.ok()) return stored.status();
    KeyringRecord record;
    Revision revision = 0;
    if (*stored) {
      record = std::move((*stored)->record);
      revision = (*stored)->revision;
    } else {
      absl::Status empty = RequireEmpty(engine);
      if (!empty.ok()) return empty;
    }
    auto keyring = AddDataKey(wrapper, now, record);
    if (!keyring.ok()) return keyring.status();
    const absl::StatusOr<bool> written = Replace(engine, record, revision);
    if (!written.ok()) return written.status();
    if (*written) return keyring;
  }
}

absl::Status CloseDataKeys(Engine& engine) {
  const LogPosition head = engine.log_bounds().head;
  return UpdateKeyring(engine, [&](KeyringRecord& record) {
    bool changed = false;
    for (int i = 0; i + 1 < record.data_keys_size(); ++i) {
      DataKeyRecord& key = *record.mutable_data_keys(i);
      if (key.has_last_position()) continue;
      key.set_last_position(head);
      changed = true;
    }
    return changed;
  });
}

absl::Status UpdateKeyring(Engine& engine, absl::FunctionRef<bool(KeyringRecord&)> change) {
  while (true) {
    auto stored = Read(engine);
    if (!stored.ok()) return stored.status();
    if (!stored->has_value()) return absl::DataLossError("the store's keyring is gone");
    KeyringRecord& record = (*stored)->record;
    if (!change(record)) return absl::OkStatus();
    const absl::StatusOr<bool> written = Replace(engine, record, (*stored)->revision);
    if (!written.ok()) return written.status();
    if (*written) return absl::OkStatus();
  }
}

}  // namespace innkeeper::storage
