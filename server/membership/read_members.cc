#include "server/membership/read_members.h"

#include <optional>
#include <string>
#include <utility>

#include "server/lifecycle/membership.h"
#include "server/lifecycle/page_token.pb.h"
#include "server/lifecycle/paging.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/visible_room.h"
#include "server/membership/full_invite.h"
#include "server/membership/room_member.h"
#include "server/rooms/event_types.h"

namespace innkeeper::membership {
namespace {

using lifecycle::kDefaultPage;
using lifecycle::kMaxPage;
using lifecycle::kMaxPageBytes;
using lifecycle::kMaxScanned;
using lifecycle::MembersPageToken;
using lifecycle::OpenPageToken;
using lifecycle::PageTokenInvalid;
using lifecycle::PendingInvitesPageToken;
using lifecycle::SealPageToken;
using lifecycle::UserRoomsPageToken;
using rooms::kMemberType;
using storage::RoomReader;

constexpr char kMembersPurpose[] = "members-page";
constexpr char kUserRoomsPurpose[] = "user-rooms-page";
constexpr char kInvitesPurpose[] = "pending-invites-page";

// What a stranger may see of a room.
v1::Room StrippedRoom(const storage::RoomRecord& room) {
  v1::Room stripped;
  stripped.set_room_id(room.room_id());
  stripped.set_room_version(room.room_version());
  stripped.set_room_type(room.room_type());
  stripped.set_name(room.name());
  stripped.set_topic(room.topic());
  stripped.set_canonical_alias(room.canonical_alias());
  stripped.set_encryption_algorithm(room.encryption_algorithm());
  return stripped;
}

bool Matches(v1::Membership filter, v1::Membership membership) {
  return filter == v1::MEMBERSHIP_UNSPECIFIED || filter == membership;
}

}  // namespace

absl::StatusOr<v1::ListMembersResponse> MemberBrowser::ListMembers(
    const v1::ListMembersRequest& request, const AudienceScope& scope) const {
  const RoomReader reader(engine_);
  auto room = lifecycle::ReadVisibleRoom(reader, request.room_id(), request.requester(), scope);
  if (!room.ok()) return room.status();
  RoomReader::StateQuery query;
  query.room_id = request.room_id();
  query.revision = room->revision();
  query.type = kMemberType;
  if (!request.page_token().empty()) {
    auto token = OpenPageToken<MembersPageToken>(signer_, kMembersPurpose, request.page_token());
    if (!token) return PageTokenInvalid("damaged");
    if (token->room_id() != request.room_id() || token->requester() != request.requester() ||
        token->membership() != static_cast<int>(request.membership())) {
      return PageTokenInvalid("other-request");
    }
    query.revision = token->revision();
    query.after = {kMemberType, token->last_user_id()};
  }
  const int page_size = lifecycle::PageSize(request.page_size(), kMaxPage, kMaxPage);
  v1::ListMembersResponse response;
  response.set_revision(query.revision);
  MembersPageToken next;
  int looked_at = 0;
  size_t bytes = 0;
  bool more = false;
  absl::Status status;
  absl::Status scanned = reader.ScanState(
      query, [&](storage::StatePosition position, const storage::StateRecord& record) {
        more = response.members_size() == page_size || looked_at == kMaxScanned ||
               bytes >= kMaxPageBytes;
        if (more) return false;
        ++looked_at;
        absl::StatusOr<v1::RoomMember> member = ToRoomMember(position.state_key, record);
        status = member.status();
        if (!status.ok()) return false;
        next.set_last_user_id(std::move(position.state_key));
        if (Matches(request.membership(), member->membership())) {
          bytes += member->ByteSizeLong();
          *response.add_members() = *std::move(member);
        }
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  if (more) {
    next.set_room_id(request.room_id());
    next.set_requester(request.requester());
    next.set_membership(request.membership());
    next.set_revision(query.revision);
    response.set_next_page_token(SealPageToken(signer_, kMembersPurpose, next));
  }
  return response;
}

absl::StatusOr<v1::ListUserRoomsResponse> MemberBrowser::ListUserRooms(
    const v1::ListUserRoomsRequest& request, const AudienceScope& scope) const {
  UserRoomsPageToken next;
  if (!request.page_token().empty()) {
    auto token =
        OpenPageToken<UserRoomsPageToken>(signer_, kUserRoomsPurpose, request.page_token());
    if (!token) return PageTokenInvalid("damaged");
    if (token->user_id() != request.user_id() ||
        token->membership() != static_cast<int>(request.membership())) {
      return PageTokenInvalid("other-request");
    }
    next = *std::move(token);
  }
  const int page_size = lifecycle::PageSize(request.page_size(), kDefaultPage, kMaxPage);
  const RoomReader reader(engine_);
  v1::ListUserRoomsResponse response;
  int looked_at = 0;
  size_t bytes = 0;
  bool more = false;
  absl::Status status;
  const std::string after = next.last_room_id();
  absl::Status scanned = reader.ScanRoomsOfUser(
      request.user_id(), after,
      [&](const std::string& room_id, const storage::UserRoomRecord& user_room) {
        more = response.rooms_size() == page_size || looked_at == kMaxScanned ||
               bytes >= kMaxPageBytes;
        if (more) return false;
        ++looked_at;
        next.set_last_room_id(room_id);
        const v1::Membership membership = lifecycle::ParseMembership(user_room.membership());
        if (!Matches(request.membership(), membership)) return true;
        auto room = reader.GetRoom(room_id);
        status = room.status();
        if (!status.ok()) return false;
        const bool is_staged = !room->has_value();
        if (is_staged || !scope.Includes((*room)->record.audience())) return true;
        v1::UserRoom& listed = *response.add_rooms();
        listed.set_membership(membership);
        const storage::RoomRecord& record = (*room)->record;
        *listed.mutable_room() =
            membership == v1::MEMBERSHIP_JOIN ? lifecycle::ToProto(record) : StrippedRoom(record);
        bytes += listed.ByteSizeLong();
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  if (more) {
    next.set_user_id(request.user_id());
    next.set_membership(request.membership());
    response.set_next_page_token(SealPageToken(signer_, kUserRoomsPurpose, next));
  }
  return response;
}

absl::StatusOr<v1::ListPendingInvitesResponse> MemberBrowser::ListPendingInvites(
    const v1::ListPendingInvitesRequest& request, const AudienceScope& scope) const {
  std::optional<RoomReader::InvitedUser> after;
  if (!request.page_token().empty()) {
    auto token =
        OpenPageToken<PendingInvitesPageToken>(signer_, kInvitesPurpose, request.page_token());
    if (!token) return PageTokenInvalid("damaged");
    after = {token->room_id(), token->user_id()};
  }
  const int page_size = lifecycle::PageSize(request.page_size(), kDefaultPage, kMaxPage);
  const RoomReader reader(engine_);
  v1::ListPendingInvitesResponse response;
  size_t bytes = 0;
  bool more = false;
  absl::Status status;
  absl::Status scanned = reader.ScanPendingInvites(
      after, [&](const RoomReader::InvitedUser& user, const storage::PendingInviteRecord& record) {
        more = response.invites_size() == page_size || bytes >= kMaxPageBytes;
        if (more) return false;
        auto room = reader.GetRoom(user.room_id);
        status = room.status();
        if (!status.ok()) return false;
        const bool is_staged = !room->has_value();
        if (is_staged || !scope.Includes((*room)->record.audience())) return true;
        auto invite = InviteInFull(reader, key_, (*room)->record, user.user_id, record);
        status = invite.status();
        if (!status.ok()) return false;
        bytes += invite->ByteSizeLong();
        *response.add_invites() = *std::move(invite);
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  if (more) {
    PendingInvitesPageToken next;
    next.set_room_id(response.invites().rbegin()->room_id());
    next.set_user_id(response.invites().rbegin()->user_id());
    response.set_next_page_token(SealPageToken(signer_, kInvitesPurpose, next));
  }
  return response;
}

}  // namespace innkeeper::membership
