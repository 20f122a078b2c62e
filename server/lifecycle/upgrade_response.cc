#include "server/lifecycle/upgrade_response.h"

#include <glog/logging.h>

#include "google/protobuf/repeated_field.h"
#include "server/values/struct_json.h"

namespace innkeeper::lifecycle {
namespace {

using rooms::Unmoved;

v1::UnmovedKind KindToProto(Unmoved::Kind kind) {
  switch (kind) {
    case Unmoved::Kind::kStateEvent:
      return v1::UNMOVED_KIND_STATE_EVENT;
    case Unmoved::Kind::kAlias:
      return v1::UNMOVED_KIND_ALIAS;
    case Unmoved::Kind::kMember:
      return v1::UNMOVED_KIND_MEMBER;
    case Unmoved::Kind::kInvite:
      return v1::UNMOVED_KIND_INVITE;
    case Unmoved::Kind::kBan:
      return v1::UNMOVED_KIND_BAN;
    case Unmoved::Kind::kKnock:
      return v1::UNMOVED_KIND_KNOCK;
    case Unmoved::Kind::kJoinRule:
      return v1::UNMOVED_KIND_JOIN_RULE;
    case Unmoved::Kind::kOldRoomPowerLevels:
      return v1::UNMOVED_KIND_OLD_ROOM_POWER_LEVELS;
    case Unmoved::Kind::kOldRoomAlias:
      return v1::UNMOVED_KIND_OLD_ROOM_ALIAS;
    case Unmoved::Kind::kSpaceChild:
      return v1::UNMOVED_KIND_SPACE_CHILD;
    case Unmoved::Kind::kSpaceParent:
      return v1::UNMOVED_KIND_SPACE_PARENT;
    case Unmoved::Kind::kAllowedRoom:
      return v1::UNMOVED_KIND_ALLOWED_ROOM;
  }
  LOG(FATAL) << "no such kind";
}

v1::UnmovedReason ReasonToProto(Unmoved::Reason reason) {
  switch (reason) {
    case Unmoved::Reason::kBelongsToOldRoom:
      return v1::UNMOVED_REASON_BELONGS_TO_OLD_ROOM;
    case Unmoved::Reason::kBelongsToUser:
      return v1::UNMOVED_REASON_BELONGS_TO_USER;
    case Unmoved::Reason::kOtherServer:
      return v1::UNMOVED_REASON_OTHER_SERVER;
    case Unmoved::Reason::kNotFederated:
      return v1::UNMOVED_REASON_NOT_FEDERATED;
    case Unmoved::Reason::kJoinRule:
      return v1::UNMOVED_REASON_JOIN_RULE;
    case Unmoved::Reason::kRoomVersion:
      return v1::UNMOVED_REASON_ROOM_VERSION;
    case Unmoved::Reason::kInsufficientPower:
      return v1::UNMOVED_REASON_INSUFFICIENT_POWER;
    case Unmoved::Reason::kNotJoined:
      return v1::UNMOVED_REASON_NOT_JOINED;
    case Unmoved::Reason::kTooLarge:
      return v1::UNMOVED_REASON_TOO_LARGE;
    case Unmoved::Reason::kUpgradeInProgress:
      return v1::UNMOVED_REASON_UPGRADE_IN_PROGRESS;
    case Unmoved::Reason::kTooMany:
      return v1::UNMOVED_REASON_TOO_MANY;
  }
  LOG(FATAL) << "no such reason";
}

void AddPlaces(const rooms::BoundedList<rooms::StateKey>& places,
               google::protobuf::RepeatedPtrField<v1::StatePlace>* protos) {
  for (const auto& [type, state_key] : places.items()) {
    v1::StatePlace& proto = *protos->Add();
    proto.set_type(type);
    proto.set_state_key(state_key);
  }
}

// Sets what the responses of UpgradeRoom and LinkUpgrade have in common.
template <typename Response>
void SetMoves(const rooms::UpgradeReport& report, Response* response) {
  for (const Unmoved& unmoved : report.unmoved.items()) {
    v1::Unmoved& proto = *response->add_unmoved();
    proto.set_kind(KindToProto(unmoved.kind));
    proto.set_name(unmoved.name);
    proto.set_state_key(unmoved.state_key);
    proto.set_reason(ReasonToProto(unmoved.reason));
  }
  response->set_unmoved_count(report.unmoved.count());
  for (const rooms::RepairedLink& link : report.repaired_links.items()) {
    v1::RepairedLink& proto = *response->add_repaired_links();
    proto.set_room_id(link.room_id);
    proto.set_type(link.type);
  }
  response->set_repaired_link_count(report.repaired_links.count());
}

}  // namespace

void SetReport(const rooms::UpgradeReport& report, v1::UpgradeRoomResponse* response) {
  response->set_joined_member_count(report.joined.count());
  response->set_invited_member_count(report.invited.count());
  response->set_banned_member_count(report.banned_count);
  response->set_knock_count(report.knock_count);
  SetMoves(report, response);
}

void SetReport(const rooms::UpgradeReport& report, v1::LinkUpgradeResponse* response) {
  SetMoves(report, response);
}

v1::UpgradePlan PlanOf(const rooms::UpgradeReport& report) {
  v1::UpgradePlan plan;
  plan.set_sender(report.sender);
  AddPlaces(report.copied, plan.mutable_copied_state());
  plan.set_copied_state_count(report.copied.count());
  AddPlaces(report.left_behind, plan.mutable_left_state());
  plan.set_left_state_count(report.left_behind.count());
  plan.mutable_joined_members()->Assign(report.joined.items().begin(), report.joined.items().end());
  plan.mutable_invited_members()->Assign(report.invited.items().begin(),
                                         report.invited.items().end());
  plan.set_left_member_count(report.left_behind_member_count);
  JsonToStruct(report.old_power_levels, plan.mutable_old_power_levels());
  JsonToStruct(report.new_power_levels, plan.mutable_new_power_levels());
  return plan;
}

}  // namespace innkeeper::lifecycle
