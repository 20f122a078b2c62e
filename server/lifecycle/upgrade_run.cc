#include "server/lifecycle/upgrade_run.h"

#include <glog/logging.h>

#include <utility>

#include "server/base/log_word.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/room_staging.h"
#include "server/lifecycle/room_status.h"
#include "server/lifecycle/upgrade_response.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomRecord;

// The stream is told of the progress of large upgrades this often.
constexpr int64_t kProgressSteps = 10;

storage::StagedRoomRecord NoteOf(const RoomRecord& old_room) {
  storage::StagedRoomRecord note;
  note.set_old_room_id(old_room.room_id());
  note.set_upgrade_id(old_room.upgrade().upgrade_id());
  note.set_instance(old_room.upgrade().instance());
  return note;
}

v1::RoomCreated CreatedEvent(const RoomRecord& new_room) {
  v1::RoomCreated created;
  created.set_room_id(new_room.room_id());
  created.set_creator_id(new_room.creator());
  created.set_room_version(new_room.room_version());
  created.set_encryption_algorithm(new_room.encryption_algorithm());
  created.set_predecessor_room_id(new_room.predecessor_room_id());
  return created;
}

v1::RoomUpgradeProgress ProgressEvent(const RoomRecord& old_room) {
  const storage::UpgradeRecord& upgrade = old_room.upgrade();
  v1::RoomUpgradeProgress progress;
  progress.set_room_id(old_room.room_id());
  progress.set_new_version(upgrade.new_version());
  progress.set_processed_member_count(upgrade.processed_member_count());
  progress.set_member_count(upgrade.member_count());
  return progress;
}

int64_t StepOf(const storage::UpgradeRecord& upgrade) {
  if (upgrade.member_count() == 0) return 0;
  return upgrade.processed_member_count() * kProgressSteps / upgrade.member_count();
}

}  // namespace

UpgradeRun::UpgradeRun(storage::Engine& engine, const storage::RoomReader& reader,
                       storage::Stored<RoomRecord> old_room, const UpgradeTarget& target,
                       const EditContext& context, Options options, LinkRepairs& links)
    : engine_(engine),
      reader_(reader),
      old_room_(std::move(old_room)),
      target_(target),
      context_(context),
      options_(options),
      links_(links),
      new_room_(target.version, NoteOf(old_room_.record), context.server_name) {}

absl::StatusOr<std::optional<v1::UpgradeRoomResponse>> UpgradeRun::Commit(
    const RequestIdentity& identity, const audit::Trail& trail, const RequestIdentity* approval) {
  auto planned = Plan([this](std::vector<rooms::Event> events, int64_t processed_members) {
    return Append(std::move(events), processed_members);
  });
  if (!planned.ok()) {
    DiscardParts();
    if (lost_) return std::nullopt;
    return planned.status();
  }
  RoomCommit commit;
  auto response = StageLastCommit(*std::move(planned), commit);
  absl::Status status = response.status();
  if (status.ok()) {
    const absl::Time expire_time = context_.clock() + options_.request_retention;
    RecordResponse(commit, identity, *response, expire_time);
    if (approval != nullptr) RecordResponse(commit, *approval, *response, expire_time);
    trail.Leave(commit);
    const storage::CommitResult result = CommitAndWait(engine_, commit.Take());
    if (result.status.ok()) return *std::move(response);
    lost_ = absl::IsAborted(result.status);
    if (lost_) links_.NoteLost(storage::RoomReader(engine_));
    status = CommitError(result);
    // Perhaps it was kept, and the new room is there.
    if (absl::IsUnavailable(result.status)) return status;
  }
  DiscardParts();
  if (lost_) return std::nullopt;
  return status;
}

absl::StatusOr<v1::UpgradeRoomResponse> UpgradeRun::Preview() {
  // The rest of the preview needs the first events of the new room at most.
  auto planned = Plan([this](std::vector<rooms::Event> events, int64_t) {
    for (rooms::Event& event : events) {
      if (!new_room_.IsPartFull()) new_room_.Append(std::move(event));
    }
    return absl::OkStatus();
  });
  if (!planned.ok()) return planned.status();
  v1::UpgradePlan plan = PlanOf(planned->report);
  RoomCommit unused;
  auto response = StageLastCommit(*std::move(planned), unused);
  if (!response.ok()) return response.status();
  *response->mutable_plan() = std::move(plan);
  return response;
}

absl::StatusOr<PlannedUpgrade> UpgradeRun::Plan(TakeEvents take) {
  return PlanUpgrade(reader_, old_room_.record, target_,
                     {context_.server_name, absl::ToUnixMillis(context_.clock()),
                      context_.random(rooms::kNonceBytes)},
                     take);
}

absl::Status UpgradeRun::Append(std::vector<rooms::Event> events, int64_t processed_members) {
  for (rooms::Event& event : events) {
    new_room_.Append(std::move(event));
    absl::Status committed =
        new_room_.IsPartFull() ? CommitPart(processed_members) : absl::OkStatus();
    if (!committed.ok()) return committed;
  }
  return absl::OkStatus();
}

absl::Status UpgradeRun::CommitPart(int64_t processed_members) {
  RoomCommit commit;
  new_room_.StagePart(commit, absl::ToUnixMicros(context_.clock()));
  Renew(processed_members, commit);
  const storage::CommitResult result = CommitAndWait(engine_, commit.Take());
  lost_ = absl::IsAborted(result.status);
  if (!result.status.ok()) return CommitError(result);
  old_room_.revision = result.revision;
  return absl::OkStatus();
}

void UpgradeRun::Renew(int64_t processed_members, RoomCommit& commit) {
  storage::UpgradeRecord& upgrade = *old_room_.record.mutable_upgrade();
  const int64_t step = StepOf(upgrade);
  upgrade.set_processed_member_count(processed_members);
  upgrade.set_member_count(old_room_.record.joined_member_count() +
                           old_room_.record.invited_member_count());
  upgrade.set_lease_expire_time_us(absl::ToUnixMicros(context_.clock() + options_.lease));
  if (StepOf(upgrade) > step) {
    commit.AppendLog(EncodeEvent(ProgressEvent(old_room_.record), LabelsOf(old_room_.record)));
  }
  commit.UpdateRoom(old_room_.record, old_room_.revision);
}

absl::StatusOr<v1::UpgradeRoomResponse> UpgradeRun::StageLastCommit(PlannedUpgrade planned,
                                                                    RoomCommit& commit) {
  const int64_t now_us = absl::ToUnixMicros(context_.clock());
  RoomRecord& old_room = old_room_.record;
  const RoomRecord new_room =
      new_room_.StageLastPart(commit, std::move(planned.new_room), old_room, now_us);
  Touch(old_room, now_us);
  absl::Status staged =
      StageNewEvents(commit, reader_, old_room, planned.old_room_events, context_.server_name);
  if (!staged.ok()) return staged;
  old_room.set_is_public(false);
  Tombstone(old_room, new_room.room_id());
  commit.UpdateRoom(old_room, old_room_.revision);
  commit.SetLocked(old_room.room_id(), false);
  commit.AppendLog(EncodeEvent(CreatedEvent(new_room), LabelsOf(new_room)));
  commit.AppendLog(EncodeEvent(UpgradedEvent(old_room, new_room), LabelsOf(old_room)));
  new_room_.LogPendingInvites(commit, LabelsOf(new_room));

  // What is not under the lock is read as late as can be.
  const storage::RoomReader reader(engine_);
  const RoomSuccession succession{old_room.room_id(), new_room.room_id(), planned.report.sender};
  auto aliases = StageAliasMoves(commit, reader, succession);
  if (!aliases.ok()) return aliases.status();
  staged = links_.Stage(commit, reader, succession, context_, planned.report);
  if (!staged.ok()) return staged;

  v1::UpgradeRoomResponse response;
  *response.mutable_room() = ToProto(new_room);
  *response.mutable_old_room() = ToProto(old_room);
  response.mutable_moved_aliases()->Assign(aliases->begin(), aliases->end());
  SetReport(planned.report, &response);
  return response;
}

void UpgradeRun::DiscardParts() {
  if (!new_room_.has_parts()) return;
  absl::Status discarded = DiscardStagedRoom(engine_, new_room_.room_id());
  LOG_IF(WARNING, !discarded.ok())
      << "room=" << LogWord(new_room_.room_id()) << " is left to be discarded later: " << discarded;
}

}  // namespace innkeeper::lifecycle
