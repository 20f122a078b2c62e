#include "storage/room_store.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "storage/keys.h"
#include "storage/record_codec.h"
#include "storage/room_secret_ids.h"

namespace innkeeper::storage {
namespace {

std::string RoomKey(absl::string_view room_id) {
  return KeyBuilder(Table::kRoom).Str(room_id).Build();
}

std::string StateKey(absl::string_view room_id, absl::string_view type,
                     absl::string_view state_key) {
  return KeyBuilder(Table::kState).Str(room_id).Str(type).Str(state_key).Build();
}

std::string HistoryKey(absl::string_view room_id, const StatePosition& position, int64_t revision) {
  return KeyBuilder(Table::kStateHistory)
      .Str(room_id)
      .Str(position.type)
      .Str(position.state_key)
      .DescendingU64(static_cast<uint64_t>(revision))
      .Build();
}

std::string AliasKey(absl::string_view alias) {
  return KeyBuilder(Table::kAlias).Str(alias).Build();
}

std::string RoomAliasKey(absl::string_view room_id, absl::string_view alias) {
  return KeyBuilder(Table::kRoomAlias).Str(room_id).Str(alias).Build();
}

std::string RoomKeysKey(absl::string_view room_id) {
  return KeyBuilder(Table::kRoomKeys).Str(room_id).Build();
}

std::string ListedRoomKey(int64_t joined_member_count, absl::string_view room_id) {
  return KeyBuilder(Table::kListedRoom)
      .DescendingU64(static_cast<uint64_t>(joined_member_count))
      .Str(room_id)
      .Build();
}

std::string LinkKey(absl::string_view linked_room_id, absl::string_view room_id,
                    const StatePosition& position) {
  return KeyBuilder(Table::kLink)
      .Str(linked_room_id)
      .Str(room_id)
      .Str(position.type)
      .Str(position.state_key)
      .Build();
}

std::string PendingInviteKey(absl::string_view room_id, absl::string_view user_id) {
  return KeyBuilder(Table::kPendingInvite).Str(room_id).Str(user_id).Build();
}

std::string StagedRoomKey(absl::string_view room_id) {
  return KeyBuilder(Table::kStagedRoom).Str(room_id).Build();
}

std::string CreatedRoomKey(absl::string_view creator, absl::string_view room_id) {
  return KeyBuilder(Table::kCreatedRoom).Str(creator).Str(room_id).Build();
}

std::string RoomSecretKey(absl::string_view room_id, uint64_t id) {
  return KeyBuilder(Table::kRoomKey).Str(room_id).U64(id).Build();
}

std::string UserRoomKey(absl::string_view user_id, absl::string_view room_id) {
  return KeyBuilder(Table::kUserRoom).Str(user_id).Str(room_id).Build();
}

std::string RequestRecordKey(const RequestKey& key) {
  return KeyBuilder(Table::kRequest).Str(key.owner).Str(key.request_id).Build();
}

std::string RequestExpiryKey(const RequestKey& key, int64_t expire_time_us) {
  return KeyBuilder(Table::kRequestExpiry)
      .U64(static_cast<uint64_t>(expire_time_us))
      .Str(key.owner)
      .Str(key.request_id)
      .Build();
}

// The tables whose keys begin with a room's id, in the order of their keys, but for those of
// heads, current state and notes.
constexpr Table kTablesOfRemains[] = {Table::kRoomAlias,     Table::kEvent,
                                      Table::kStateHistory,  Table::kEventId,
                                      Table::kPendingInvite, Table::kRoomKeys};

template <typename Record>
std::optional<Record> RecordOf(std::optional<Stored<Record>> stored) {
  if (!stored) return std::nullopt;
  return std::move(stored->record);
}

}  // namespace

absl::StatusOr<RoomLookup> LookUpRoom(const Engine& engine, ReadTier tier,
                                      absl::string_view room_id, absl::string_view user_id) {
  std::vector<std::string> keys = {RoomKey(room_id)};
  if (!user_id.empty()) keys.push_back(UserRoomKey(user_id, room_id));
  const auto values = engine.GetValues(keys, tier);
  if (!values.ok()) return values.status();
  RoomLookup found;
  auto room = DecodeShared<RoomRecord>(keys[0], (*values)[0]);
  if (!room.ok()) return room.status();
  found.room = *std::move(room);
  if (user_id.empty()) return found;
  auto user_room = DecodeShared<UserRoomRecord>(keys[1], (*values)[1]);
  if (!user_room.ok()) return user_room.status();
  found.user_room = *std::move(user_room);
  return found;
}

absl::StatusOr<std::optional<Stored<RoomRecord>>> RoomReader::GetRoom(
    absl::string_view room_id) const {
  return GetStored<RoomRecord>(*snapshot_, RoomKey(room_id));
}

absl::StatusOr<std::optional<StateRecord>> RoomReader::GetState(absl::string_view room_id,
                                                                absl::string_view type,
                                                                absl::string_view state_key) const {
  auto stored = GetStored<StateRecord>(*snapshot_, StateKey(room_id, type, state_key));
  if (!stored.ok()) return stored.status();
  return RecordOf(*std::move(stored));
}

absl::StatusOr<RoomReader::RoomOfUser> RoomReader::GetRoomOfUser(absl::string_view room_id,
                                                                 absl::string_view user_id) const {
  const std::vector<std::string> keys = {RoomKey(room_id), UserRoomKey(user_id, room_id)};
  auto values = snapshot_->MultiGet(keys);
  if (!values.ok()) return values.status();
  auto room = DecodeStored<RoomRecord>(keys[0], (*values)[0]);
  if (!room.ok()) return room.status();
  auto user_room = DecodeStored<UserRoomRecord>(keys[1], (*values)[1]);
  if (!user_room.ok()) return user_room.status();
  return RoomOfUser{*std::move(room), RecordOf(*std::move(user_room))};
}

absl::StatusOr<std::optional<StateRecord>> RoomReader::GetSupersededState(
    absl::string_view room_id, const StatePosition& position, int64_t revision) const {
  const std::string begin = HistoryKey(room_id, position, revision);
  const std::string end = KeyAfter(HistoryKey(room_id, position, 0));
  absl::StatusOr<std::optional<StateRecord>> found = std::nullopt;
  absl::Status scanned =
      snapshot_->Scan(begin, end, [&](absl::string_view key, absl::string_view value, Revision) {
        absl::StatusOr<StateRecord> record = Decode<StateRecord>(key, value);
        if (record.ok()) {
          found = *std::move(record);
        } else {
          found = record.status();
        }
        return false;
      });
  if (!scanned.ok()) return scanned;
  return found;
}

absl::Status RoomReader::ScanState(const StateQuery& query, StateVisitor visit) const {
  KeyBuilder prefix_builder(Table::kState);
  prefix_builder.Str(query.room_id);
  if (query.type) prefix_builder.Str(*query.type);
  if (query.type && query.state_key) prefix_builder.Str(*query.state_key);
  const std::string prefix = prefix_builder.Build();
  std::string begin = prefix;
  if (query.after) {
    begin = std::max(begin,
                     KeyAfter(StateKey(query.room_id, query.after->type, query.after->state_key)));
  }
  if (query.after_type) {
    begin = std::max(
        begin,
        PrefixEnd(KeyBuilder(Table::kState).Str(query.room_id).Str(*query.after_type).Build()));
  }
  absl::Status status;
  absl::Status scanned = snapshot_->Scan(
      begin, PrefixEnd(prefix), [&](absl::string_view key, absl::string_view value, Revision) {
        KeyReader reader(key);
        reader.Str();  // the room id
        std::optional<std::string> type = reader.Str();
        std::optional<std::string> state_key = reader.Str();
        absl::StatusOr<StateRecord> record = Decode<StateRecord>(key, value);
        if (!type || !state_key || !record.ok()) {
          status = record.ok() ? Damaged(key) : record.status();
          return false;
        }
        StatePosition position{*std::move(type), *std::move(state_key)};
        if (record->revision() <= query.revision) {
          return visit(std::move(position), *std::move(record));
        }
        auto earlier = GetSupersededState(query.room_id, position, query.revision);
        if (!earlier.ok()) {
          status = earlier.status();
          return false;
        }
        return !earlier->has_value() || visit(std::move(position), **std::move(earlier));
      });
  return scanned.ok() ? status : scanned;
}

absl::Status RoomReader::ScanRooms(absl::string_view after,
                                   absl::FunctionRef<bool(RoomRecord room)> visit) const {
  const std::string prefix = KeyBuilder(Table::kRoom).Build();
  const std::string begin = after.empty() ? prefix : KeyAfter(RoomKey(after));
  absl::Status status;
  absl::Status scanned = snapshot_->Scan(
      begin, PrefixEnd(prefix), [&](absl::string_view key, absl::string_view value, Revision) {
        absl::StatusOr<RoomRecord> room = Decode<RoomRecord>(key, value);
        status = room.status();
        return status.ok() && visit(*std::move(room));
      });
  return scanned.ok() ? status : scanned;
}

absl::Status RoomReader::ScanRoomsOfUser(
    absl::string_view user_id, absl::string_view after,
    absl::FunctionRef<bool(std::string room_id, UserRoomRecord record)> visit) const {
  const std::string prefix = KeyBuilder(Table::kUserRoom).Str(user_id).Build();
  const std::string begin = after.empty() ? prefix : KeyAfter(UserRoomKey(user_id, after));
  absl::Status status;
  absl::Status scanned = snapshot_->Scan(
      begin, PrefixEnd(prefix), [&](absl::string_view key, absl::string_view value, Revision) {
        KeyReader reader(key);
        reader.Str();  // the user id
        std::optional<std::string> room_id = reader.Str();
        absl::StatusOr<UserRoomRecord> record = Decode<UserRoomRecord>(key, value);
        status = room_id ? record.status() : Damaged(key);
        return status.ok() && visit(*std::move(room_id), *std::move(record));
      });
  return scanned.ok() ? status : scanned;
}

absl::StatusOr<std::vector<std::string>> RoomReader::ListLockedRooms() const {
  const std::string prefix = KeyBuilder(Table::kLockedRoom).Build();
  std::vector<std::string> rooms;
  absl::Status status;
  absl::Status scanned = snapshot_->Scan(
      prefix, PrefixEnd(prefix), [&](absl::string_view key, absl::string_view, Revision) {
        std::optional<std::string> room_id = KeyReader(key).Str();
        if (!room_id) {
          status = Damaged(key);
          return false;
        }
        rooms.push_back(*std::move(room_id));
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  return rooms;
}

absl::Status RoomReader::ScanListedRooms(const std::optional<ListedRoom>& after,
                                         absl::FunctionRef<bool(ListedRoom room)> visit) const {
  const std::string prefix = KeyBuilder(Table::kListedRoom).Build();
  const std::string begin =
      after ? KeyAfter(ListedRoomKey(after->joined_member_count, after->room_id)) : prefix;
  absl::Status status;
  absl::Status scanned = snapshot_->Scan(
      begin, PrefixEnd(prefix), [&](absl::string_view key, absl::string_view, Revision) {
        KeyReader reader(key);
        std::optional<uint64_t> descending_count = reader.U64();
        std::optional<std::string> room_id = reader.Str();
        if (!descending_count || !room_id) {
          status = Damaged(key);
          return false;
        }
        return visit({static_cast<int64_t>(~*descending_count), *std::move(room_id)});
      });
  return scanned.ok() ? status : scanned;
}

absl::Status RoomReader::ScanLinks(
    absl::string_view linked_room_id,
    absl::FunctionRef<bool(std::string room_id, StatePosition position)> visit) const {
  const std::string prefix = KeyBuilder(Table::kLink).Str(linked_room_id).Build();
  absl::Status status;
  absl::Status scanned = snapshot_->Scan(
      prefix, PrefixEnd(prefix), [&](absl::string_view key, absl::string_view, Revision) {
        KeyReader reader(key);
        reader.Str();  // the linked room
        std::optional<std::string> room_id = reader.Str();
        std::optional<std::string> type = reader.Str();
        std::optional<std::string> state_key = reader.Str();
        if (!room_id || !type || !state_key) {
          status = Damaged(key);
          return false;
        }
        return visit(*std::move(room_id), {*std::move(type), *std::move(state_key)});
      });
  return scanned.ok() ? status : scanned;
}

absl::StatusOr<std::optional<Stored<PendingInviteRecord>>> RoomReader::GetPendingInvite(
    absl::string_view room_id, absl::string_view user_id) const {
  return GetStored<PendingInviteRecord>(*snapshot_, PendingInviteKey(room_id, user_id));
}

absl::Status RoomReader::ScanPendingInvites(
    const std::optional<InvitedUser>& after,
    absl::FunctionRef<bool(InvitedUser user, PendingInviteRecord record)> visit) const {
  const std::string prefix = KeyBuilder(Table::kPendingInvite).Build();
  const std::string begin =
      after ? KeyAfter(PendingInviteKey(after->room_id, after->user_id)) : prefix;
  absl::Status status;
  absl::Status scanned = snapshot_->Scan(
      begin, PrefixEnd(prefix), [&](absl::string_view key, absl::string_view value, Revision) {
        KeyReader reader(key);
        std::optional<std::string> room_id = reader.Str();
        std::optional<std::string> user_id = reader.Str();
        auto record = Decode<PendingInviteRecord>(key, value);
        if (!room_id || !user_id || !record.ok()) {
          status = record.ok() ? Damaged(key) : record.status();
          return false;
        }
        return visit({*std::move(room_id), *std::move(user_id)}, *std::move(record));
      });
  return scanned.ok() ? status : scanned;
}

absl::StatusOr<std::optional<Stored<StagedRoomRecord>>> RoomReader::GetStagedRoom(
    absl::string_view room_id) const {
  return GetStored<StagedRoomRecord>(*snapshot_, StagedRoomKey(room_id));
}

absl::Status RoomReader::ScanRemains(absl::string_view room_id, absl::string_view after,
                                     absl::FunctionRef<bool(absl::string_view key)> visit) const {
  bool go_on = true;
  for (const Table table : kTablesOfRemains) {
    const std::string prefix = KeyBuilder(table).Str(room_id).Build();
    const std::string end = PrefixEnd(prefix);
    if (after >= end) continue;
    absl::Status scanned = snapshot_->Scan(after < prefix ? prefix : KeyAfter(after), end,
                                           [&](absl::string_view key, absl::string_view, Revision) {
                                             go_on = visit(key);
                                             return go_on;
                                           });
    if (!scanned.ok() || !go_on) return scanned;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint64_t>> RoomReader::ListRoomSecrets(absl::string_view room_id) const {
  return ReadRoomSecretIds(*snapshot_, KeyBuilder(Table::kRoomKey).Str(room_id).Build());
}

absl::Status RoomReader::ScanStagedRooms(
    absl::FunctionRef<bool(std::string room_id, Stored<StagedRoomRecord> staged)> visit) const {
  const std::string prefix = KeyBuilder(Table::kStagedRoom).Build();
  absl::Status status;
  absl::Status scanned =
      snapshot_->Scan(prefix, PrefixEnd(prefix),
                      [&](absl::string_view key, absl::string_view value, Revision revision) {
                        std::optional<std::string> room_id = KeyReader(key).Str();
                        auto record = Decode<StagedRoomRecord>(key, value);
                        if (!room_id || !record.ok()) {
                          status = record.ok() ? Damaged(key) : record.status();
                          return false;
                        }
                        return visit(*std::move(room_id), {*std::move(record), revision});
                      });
  return scanned.ok() ? status : scanned;
}

absl::StatusOr<std::optional<Stored<AliasRecord>>> RoomReader::GetAlias(
    absl::string_view alias) const {
  return GetStored<AliasRecord>(*snapshot_, AliasKey(alias));
}

absl::StatusOr<int64_t> RoomReader::CountRoomsCreatedBy(absl::string_view creator,
                                                        int64_t most) const {
  const std::string prefix = KeyBuilder(Table::kCreatedRoom).Str(creator).Build();
  int64_t count = 0;
  absl::Status scanned = snapshot_->Scan(
      prefix, PrefixEnd(prefix),
      [&](absl::string_view, absl::string_view, Revision) { return ++count < most; });
  if (!scanned.ok()) return scanned;
  return count;
}

absl::StatusOr<std::vector<std::string>> RoomReader::ListAliases(absl::string_view room_id) const {
  const std::string prefix = KeyBuilder(Table::kRoomAlias).Str(room_id).Build();
  std::vector<std::string> aliases;
  absl::Status status;
  absl::Status scanned = snapshot_->Scan(prefix, PrefixEnd(prefix),
                                         [&](absl::string_view key, absl::string_view, Revision) {
                                           KeyReader reader(key);
                                           reader.Str();  // the room id
                                           std::optional<std::string> alias = reader.Str();
                                           if (!alias) {
                                             status = Damaged(key);
                                             return false;
                                           }
                                           aliases.push_back(*std::move(alias));
                                           return true;
                                         });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  absl::c_sort(aliases);
  return aliases;
}

absl::StatusOr<RoomKeysRecord> RoomReader::GetRoomKeys(absl::string_view room_id) const {
  auto stored = GetStored<RoomKeysRecord>(*snapshot_, RoomKeysKey(room_id));
  if (!stored.ok()) return stored.status();
  return RecordOf(*std::move(stored)).value_or(RoomKeysRecord());
}

absl::StatusOr<std::optional<Stored<RequestRecord>>> RoomReader::GetRequest(
    const RequestKey& key) const {
  return GetStored<RequestRecord>(*snapshot_, RequestRecordKey(key));
}

absl::StatusOr<std::vector<RoomReader::ExpiredRequest>> RoomReader::ListExpiredRequests(
    absl::Time now, size_t limit) const {
  const std::string begin = KeyBuilder(Table::kRequestExpiry).Build();
  const std::string end =
      KeyBuilder(Table::kRequestExpiry).U64(static_cast<uint64_t>(absl::ToUnixMicros(now))).Build();
  std::vector<ExpiredRequest> expired;
  absl::Status status;
  absl::Status scanned =
      snapshot_->Scan(begin, end, [&](absl::string_view key, absl::string_view, Revision) {
        KeyReader reader(key);
        std::optional<uint64_t> expire_time_us = reader.U64();
        std::optional<std::string> owner = reader.Str();
        std::optional<std::string> request_id = reader.Str();
        if (!expire_time_us || !owner || !request_id) {
          status = Damaged(key);
          return false;
        }
        expired.push_back({{*std::move(owner), *std::move(request_id)},
                           absl::FromUnixMicros(static_cast<int64_t>(*expire_time_us))});
        return expired.size() < limit;
      });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  return expired;
}

void RoomCommit::CreateRoom(RoomRecord room) {
  std::string key = RoomKey(room.room_id());
  Require(Precondition::Absent(key), Conflict::kRoomExists);
  room_changes_.push_back({room.room_id(), 0, room.revision()});
  UpdateListing(room);
  Put(std::move(key), Encode(room));
}

void RoomCommit::UpdateRoom(RoomRecord room, Revision read_revision) {
  std::string key = RoomKey(room.room_id());
  Require(Precondition::Unchanged(key, read_revision), Conflict::kRoomChanged);
  room_changes_.push_back({room.room_id(), room.revision() - 1, room.revision()});
  UpdateListing(room);
  Put(std::move(key), Encode(room));
}

void RoomCommit::DeleteRoom(const RoomRecord& room, Revision read_revision) {
  const std::string& room_id = room.room_id();
  RequireRoom(room_id, read_revision);
  room_changes_.push_back({room_id, room.revision(), 0});
  PutOrDelete(RoomKey(room_id), false);
  if (room.has_listed_member_count()) {
    PutOrDelete(ListedRoomKey(room.listed_member_count(), room_id), false);
  }
  PutOrDelete(CreatedRoomKey(room.creator(), room_id), false);
  StagedRoomRecord note;
  note.set_is_deleted(true);
  Put(StagedRoomKey(room_id), Encode(note));
}

void RoomCommit::RequireRoom(absl::string_view room_id, Revision read_revision) {
  Require(Precondition::Unchanged(RoomKey(room_id), read_revision), Conflict::kRoomChanged);
}

void RoomCommit::UpdateListing(RoomRecord& room) {
  const bool was_listed = room.has_listed_member_count();
  if (was_listed && room.is_public() && room.listed_member_count() == room.joined_member_count()) {
    return;
  }
  if (was_listed) PutOrDelete(ListedRoomKey(room.listed_member_count(), room.room_id()), false);
  room.clear_listed_member_count();
  if (!room.is_public()) return;
  PutOrDelete(ListedRoomKey(room.joined_member_count(), room.room_id()), true);
  room.set_listed_member_count(room.joined_member_count());
}

void RoomCommit::BeginStaging(absl::string_view room_id, const StagedRoomRecord& record) {
  std::string key = StagedRoomKey(room_id);
  Require(Precondition::Absent(RoomKey(room_id)), Conflict::kRoomExists);
  Require(Precondition::Absent(key), Conflict::kRoomExists);
  Put(std::move(key), Encode(record));
}

void RoomCommit::EndStaging(absl::string_view room_id) {
  PutOrDelete(StagedRoomKey(room_id), false);
}

void RoomCommit::RenewStaging(absl::string_view room_id, const StagedRoomRecord& record,
                              Revision revision) {
  RequireStaging(room_id, revision);
  Put(StagedRoomKey(room_id), Encode(record));
}

void RoomCommit::RequireStaging(absl::string_view room_id, Revision revision) {
  Require(Precondition::Unchanged(StagedRoomKey(room_id), revision), Conflict::kStagingChanged);
}

void RoomCommit::PutState(absl::string_view room_id, const StatePosition& position,
                          const StateRecord& state, const std::optional<StateRecord>& superseded) {
  Put(StateKey(room_id, position.type, position.state_key), Encode(state));
  if (superseded) {
    Put(HistoryKey(room_id, position, superseded->revision()), Encode(*superseded));
  }
}

void RoomCommit::EraseState(absl::string_view room_id, const StatePosition& position) {
  PutOrDelete(StateKey(room_id, position.type, position.state_key), false);
}

void RoomCommit::EraseRemains(absl::string_view key) { PutOrDelete(std::string(key), false); }

void RoomCommit::ForgetRoomSecret(absl::string_view room_id, uint64_t id) {
  PutOrDelete(RoomSecretKey(room_id, id), false);
}

void RoomCommit::RewriteSupersededState(absl::string_view room_id, const StatePosition& position,
                                        const StateRecord& state) {
  Put(HistoryKey(room_id, position, state.revision()), Encode(state));
}

void RoomCommit::PutRoomKeys(absl::string_view room_id, const RoomKeysRecord& keys) {
  Put(RoomKeysKey(room_id), Encode(keys));
}

void RoomCommit::CreateAlias(absl::string_view alias, const AliasRecord& record) {
  std::string key = AliasKey(alias);
  Require(Precondition::Absent(key), Conflict::kAliasTaken);
  Put(std::move(key), Encode(record));
  Put(RoomAliasKey(record.room_id(), alias), "");
}

void RoomCommit::MoveAlias(absl::string_view alias, absl::string_view old_room_id,
                           const AliasRecord& record, Revision read_revision) {
  std::string key = AliasKey(alias);
  Require(Precondition::Unchanged(key, read_revision), Conflict::kAliasTaken);
  Put(std::move(key), Encode(record));
  PutOrDelete(RoomAliasKey(old_room_id, alias), false);
  PutOrDelete(RoomAliasKey(record.room_id(), alias), true);
}

void RoomCommit::RequireAlias(absl::string_view alias, Revision read_revision) {
  Require(Precondition::Unchanged(AliasKey(alias), read_revision), Conflict::kAliasTaken);
}

void RoomCommit::DeleteAlias(absl::string_view alias, absl::string_view room_id,
                             Revision read_revision) {
  std::string key = AliasKey(alias);
  Require(Precondition::Unchanged(key, read_revision), Conflict::kAliasTaken);
  PutOrDelete(std::move(key), false);
  PutOrDelete(RoomAliasKey(room_id, alias), false);
}

void RoomCommit::SetLink(absl::string_view linked_room_id, absl::string_view room_id,
                         const StatePosition& position, bool linked) {
  PutOrDelete(LinkKey(linked_room_id, room_id, position), linked);
}

void RoomCommit::PutPendingInvite(absl::string_view room_id, absl::string_view user_id,
                                  const PendingInviteRecord& invite) {
  Put(PendingInviteKey(room_id, user_id), Encode(invite));
}

void RoomCommit::ForgetPendingInvite(absl::string_view room_id, absl::string_view user_id) {
  PutOrDelete(PendingInviteKey(room_id, user_id), false);
}

void RoomCommit::RequirePendingInvite(absl::string_view room_id, absl::string_view user_id,
                                      Revision read_revision) {
  Require(Precondition::Unchanged(PendingInviteKey(room_id, user_id), read_revision),
          Conflict::kInviteChanged);
}

void RoomCommit::SetUserRoom(absl::string_view user_id, absl::string_view room_id,
                             absl::string_view membership) {
  std::string key = UserRoomKey(user_id, room_id);
  if (membership == "join" || membership == "invite" || membership == "knock") {
    UserRoomRecord record;
    record.set_membership(std::string(membership));
    Put(std::move(key), Encode(record));
  } else {
    PutOrDelete(std::move(key), false);
  }
}

void RoomCommit::NoteCreatedRoom(absl::string_view creator, absl::string_view room_id) {
  Put(CreatedRoomKey(creator, room_id), "");
}

void RoomCommit::SetLocked(absl::string_view room_id, bool locked) {
  PutOrDelete(KeyBuilder(Table::kLockedRoom).Str(room_id).Build(), locked);
}

void RoomCommit::RecordRequest(const RequestKey& key, const RequestRecord& record) {
  std::string record_key = RequestRecordKey(key);
  Require(Precondition::Absent(record_key), Conflict::kRequestRecorded);
  Put(std::move(record_key), Encode(record));
  PutOrDelete(RequestExpiryKey(key, record.expire_time_us()), true);
}

void RoomCommit::ForgetRequest(const RoomReader::ExpiredRequest& request) {
  PutOrDelete(RequestRecordKey(request.key), false);
  PutOrDelete(RequestExpiryKey(request.key, absl::ToUnixMicros(request.expire_time)), false);
}

CommitRequest RoomCommit::Take() {
  FlushEvents();
  return std::move(request_);
}

void RoomCommit::AppendLog(std::string payload) {
  request_.log_entries.push_back(std::move(payload));
}

void RoomCommit::AppendAudit(std::string payload) {
  request_.audit_entries.push_back(std::move(payload));
}

RoomCommit::Conflict RoomCommit::ConflictOf(const CommitResult& result) const {
  CHECK_LT(result.failed_precondition, conflicts_.size());
  return conflicts_[result.failed_precondition];
}

void RoomCommit::Require(Precondition precondition, Conflict conflict) {
  request_.preconditions.push_back(std::move(precondition));
  conflicts_.push_back(conflict);
}

void RoomCommit::Put(std::string key, std::string value) {
  request_.writes.push_back({std::move(key), std::move(value)});
}

void RoomCommit::PutOrDelete(std::string key, bool put) {
  request_.writes.push_back({std::move(key), put ? std::optional<std::string>("") : std::nullopt});
}

absl::StatusOr<std::string> LoadOrCreateSetting(Engine& engine, absl::string_view name,
                                                std::string initial) {
  const std::string key = KeyBuilder(Table::kSetting).Str(name).Build();
  CommitRequest request;
  request.may_use_reserve = true;
  request.preconditions.push_back(Precondition::Absent(key));
  request.writes.push_back({key, initial});
  CommitResult result = CommitAndWait(engine, std::move(request));
  if (result.status.ok()) return initial;
  if (!absl::IsAborted(result.status)) return result.status;
  absl::StatusOr<std::optional<Versioned>> stored = engine.Get(key);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return absl::AbortedError("a setting vanished while it was read");
  return (*std::move(stored))->value;
}

}  // namespace innkeeper::storage
