#include "server/lifecycle/room_edit.h"

#include <utility>

#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/approvals.h"
#include "server/lifecycle/membership.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/room_staging.h"
#include "server/rooms/auth_events.h"

namespace innkeeper::lifecycle {
namespace {

using rooms::Json;
using rooms::StateKey;
using rooms::StringOrEmpty;

}  // namespace

absl::Status CheckWritable(const storage::RoomRecord& room) {
  switch (room.status()) {
    case storage::ROOM_STATUS_RECORD_TOMBSTONED:
      return RoomTombstoned(room);
    case storage::ROOM_STATUS_RECORD_UPGRADING:
      return AwaitsApproval(room) ? absl::OkStatus() : UpgradeInProgress();
    default:
      return absl::OkStatus();
  }
}

RoomEdit::RoomEdit(const storage::RoomReader& reader, storage::Stored<storage::RoomRecord> room,
                   const EditContext& context)
    : reader_(reader),
      room_(std::move(room)),
      version_(VersionOf(room_.record)),
      server_name_(context.server_name),
      caps_(context.caps),
      now_(context.clock()),
      chain_(version_,
             {context.server_name, absl::ToUnixMillis(now_), context.random(rooms::kNonceBytes)},
             TipOf(room_.record), rooms::RoomState()) {}

absl::Status RoomEdit::Load(const std::vector<StateKey>& keys) {
  std::vector<StateKey> missing;
  for (const StateKey& key : keys) {
    if (loaded_.insert(key).second) missing.push_back(key);
  }
  absl::StatusOr<rooms::RoomState> state = LoadState(reader_, room_.record, missing);
  if (!state.ok()) return state.status();
  for (auto& [key, entry] : *state) chain_.AddState(key, std::move(entry));
  return absl::OkStatus();
}

absl::StatusOr<const rooms::StateEntry*> RoomEdit::State(absl::string_view type,
                                                         absl::string_view state_key) {
  absl::Status loaded = Load({StateKey{std::string(type), std::string(state_key)}});
  if (!loaded.ok()) return loaded;
  return FindState(chain_.state(), type, state_key);
}

absl::StatusOr<Json> RoomEdit::Content(absl::string_view type, absl::string_view state_key) {
  absl::StatusOr<const rooms::StateEntry*> entry = State(type, state_key);
  if (!entry.ok()) return entry.status();
  return *entry == nullptr ? Json::object() : (*entry)->content;
}

absl::StatusOr<rooms::PowerLevels> RoomEdit::Levels() {
  absl::Status loaded = Load({{"m.room.create", ""}, {"m.room.power_levels", ""}});
  if (!loaded.ok()) return loaded;
  return rooms::PowerLevels(version_, chain_.state());
}

absl::Status RoomEdit::Append(rooms::EventDraft draft) {
  absl::Status loaded = Load(
      rooms::AuthStateKeys(version_, draft.type, draft.sender, draft.state_key, draft.content));
  if (!loaded.ok()) return loaded;
  std::string previous;
  if (draft.type == "m.room.member" && draft.state_key) {
    previous = rooms::Membership(chain_.state(), *draft.state_key);
  }
  absl::Status appended = chain_.Append(std::move(draft));
  if (appended.ok()) previous_memberships_.push_back(std::move(previous));
  return appended;
}

void RoomEdit::Redact(int64_t number, storage::EventRecord event) {
  redactions_.push_back({events().size() - 1, number, std::move(event)});
}

// Of rooms that were written before heads had the count.
absl::Status RoomEdit::CountStateEntries() {
  storage::RoomRecord& room = room_.record;
  if (caps_.max_state_entries == 0 || room.has_state_entry_count()) return absl::OkStatus();
  int64_t count = 0;
  absl::Status counted =
      reader_.ScanState({.room_id = room.room_id(), .revision = room.revision()},
                        [&](const storage::StatePosition& position, const storage::StateRecord&) {
                          if (position.type != "m.room.member") ++count;
                          return true;
                        });
  if (counted.ok()) room.set_state_entry_count(count);
  return counted;
}

absl::Status RoomEdit::Stage(storage::RoomCommit& commit) {
  absl::Status staged = CountStateEntries();
  if (!staged.ok()) return staged;
  storage::RoomRecord room = room_.record;
  Touch(room, absl::ToUnixMicros(now_));
  staged = StageNewEvents(commit, reader_, room, events(), server_name_);
  if (!staged.ok()) return staged;
  const storage::RoomRecord& before = room_.record;
  const bool has_more_members = room.joined_member_count() + room.invited_member_count() >
                                before.joined_member_count() + before.invited_member_count();
  if (has_more_members) staged = CheckMembers(caps_, room);
  if (room.state_entry_count() > before.state_entry_count()) {
    staged.Update(CheckStateEntries(caps_, room));
  }
  if (!staged.ok()) return staged;
  for (const Redaction& redaction : redactions_) {
    absl::Status redacted = StageRedaction(commit, reader_, room, redaction.number, redaction.event,
                                           events()[redaction.by].event_id);
    if (!redacted.ok()) return redacted;
  }
  commit.UpdateRoom(std::move(room), room_.revision);
  for (size_t i = 0; i < events().size(); ++i) Log(commit, i);
  for (const Redaction& redaction : redactions_) Log(commit, redaction);
  LogPendingInvites(commit, room_.record, events(), server_name_);
  return absl::OkStatus();
}

void RoomEdit::Log(storage::RoomCommit& commit, size_t index) const {
  const rooms::Event& event = events()[index];
  if (event.type == "m.room.redaction") return;
  if (!event.state_key) {
    v1::RoomEventSent sent;
    sent.set_room_id(event.room_id);
    sent.set_type(event.type);
    sent.set_sender(event.sender);
    sent.set_event_id(event.event_id);
    commit.AppendLog(EncodeEvent(sent, LabelsOf(room_.record)));
  } else if (event.type == "m.room.member") {
    v1::RoomMemberChanged changed;
    changed.set_room_id(event.room_id);
    changed.set_user_id(*event.state_key);
    changed.set_membership(ParseMembership(StringOrEmpty(event.content, "membership")));
    changed.set_previous_membership(ParseMembership(previous_memberships_[index]));
    changed.set_sender(event.sender);
    changed.set_event_id(event.event_id);
    const auto direct = event.content.find("is_direct");
    changed.set_is_direct(direct != event.content.end() && *direct == true);
    commit.AppendLog(EncodeEvent(changed, LabelsOf(room_.record)));
  } else {
    v1::RoomStateChanged changed;
    changed.set_room_id(event.room_id);
    changed.set_type(event.type);
    changed.set_state_key(*event.state_key);
    changed.set_sender(event.sender);
    changed.set_event_id(event.event_id);
    commit.AppendLog(EncodeEvent(changed, LabelsOf(room_.record)));
  }
}

void RoomEdit::Log(storage::RoomCommit& commit, const Redaction& redaction) const {
  const rooms::Event& by = events()[redaction.by];
  v1::RoomEventRedacted redacted;
  redacted.set_room_id(by.room_id);
  redacted.set_event_id(redaction.event.event_id());
  redacted.set_sender(by.sender);
  redacted.set_redaction_event_id(by.event_id);
  commit.AppendLog(EncodeEvent(redacted, LabelsOf(room_.record)));
}

}  // namespace innkeeper::lifecycle
