#include "storage/sealing/forget_rooms.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/keys.h"
#include "storage/sealing/room_secrets.h"

namespace innkeeper::storage {
namespace {

// Keys that one commit removes.
constexpr size_t kForgottenAtOnce = 1000;

// Room ids as they stand in keys.
using Rooms = absl::flat_hash_set<std::string>;

absl::StatusOr<Rooms> FindDestroyedRooms(const SealedEngine& engine) {
  Rooms rooms;
  absl::Status looked;
  absl::Status scanned = engine.room_secrets()->ScanDestroyed([&](absl::string_view room_key) {
    const auto noted = engine.Get(room_key);
    looked.Update(noted.status());
    const std::optional<absl::string_view> room = KeyReader(room_key).Raw(/*is_number=*/false);
    if (noted.ok() && noted->has_value() && room) rooms.insert(std::string(*room));
  });
  scanned.Update(looked);
  if (!scanned.ok()) return scanned;
  return rooms;
}

// The key under which an alias stands that is listed under `key`; nothing if that lists none.
std::optional<std::string> AliasListedUnder(const SealedEngine& engine, absl::string_view key) {
  if (static_cast<Table>(key[0]) != Table::kRoomAlias) return std::nullopt;
  const std::optional<std::string> opened = engine.seal().names().OpenKey(key);
  if (!opened) return std::nullopt;
  KeyReader reader(*opened);
  reader.Str();
  const std::optional<std::string> alias = reader.Str();
  if (!alias) return std::nullopt;
  return engine.seal().names().SealKey(KeyBuilder(Table::kAlias).Str(*alias).Build());
}

// Removes keys a thousand at a time.
class Remover {
 public:
  explicit Remover(Engine& engine) : engine_(engine) {}

  void Add(std::string key) {
    request_.writes.push_back({std::move(key), std::nullopt});
    if (request_.writes.size() >= kForgottenAtOnce) Flush().IgnoreError();
  }

  // Returns what became of it all.
  absl::Status Flush() {
    status_.Update(CommitAndWait(engine_, std::exchange(request_, {})).status);
    return status_;
  }

 private:
  Engine& engine_;
  CommitRequest request_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<size_t> ForgetDestroyedRooms(SealedEngine& engine) {
  if (engine.room_secrets() == nullptr) return 0;
  const absl::StatusOr<Rooms> rooms = FindDestroyedRooms(engine);
  if (!rooms.ok()) return rooms.status();
  if (rooms->empty()) return 0;
  Remover remover(engine.unsealed());
  // What says that there is something to do goes last.
  std::vector<std::string> room_keys;
  absl::Status scanned = engine.unsealed().NewSnapshot()->Scan(
      absl::string_view("\0", 1), "\xFF", [&](absl::string_view key, absl::string_view, Revision) {
        const std::optional<absl::string_view> owner = OwnerOf(key);
        if (!owner || !rooms->contains(*owner)) return true;
        if (static_cast<Table>(key[0]) == Table::kRoomKey) {
          room_keys.emplace_back(key);
          return true;
        }
        if (auto alias = AliasListedUnder(engine, key)) remover.Add(*std::move(alias));
        remover.Add(std::string(key));
        return true;
      });
  scanned.Update(remover.Flush());
  if (!scanned.ok()) return scanned;
  for (std::string& key : room_keys) remover.Add(std::move(key));
  absl::Status removed = remover.Flush();
  if (!removed.ok()) return removed;
  return rooms->size();
}

}  // namespace innkeeper::storage
