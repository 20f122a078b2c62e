#include "server/lifecycle/read_rooms.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/lifecycle/page_token.pb.h"
#include "server/lifecycle/paging.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/visible_room.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;

constexpr int kMaxStatePage = 1000;

constexpr char kStatePurpose[] = "state-page";
constexpr char kRoomsPurpose[] = "rooms-page";

bool HasStatus(const storage::RoomRecord& room, v1::RoomStatus filter) {
  return filter == v1::ROOM_STATUS_UNSPECIFIED ||
         static_cast<int>(filter) == static_cast<int>(room.status());
}

absl::Status RevisionOutOfRange(const storage::RoomRecord& room) {
  const std::string current = absl::StrCat(room.revision());
  return MakeError(absl::StatusCode::kOutOfRange, v1::ERROR_REASON_REVISION_OUT_OF_RANGE,
                   absl::StrCat("revision: must be from 1 to ", current, " for this room"),
                   {{"current_revision", current}});
}

}  // namespace

absl::StatusOr<v1::GetRoomResponse> RoomBrowser::GetRoom(const v1::GetRoomRequest& request,
                                                         const AudienceScope& scope,
                                                         storage::ReadTier tier) const {
  auto room = LookUpVisibleRoom(engine_, tier, request.room_id(), request.requester(), scope);
  if (!room.ok()) return room.status();
  v1::GetRoomResponse response;
  *response.mutable_room() = ToProto(*room);
  return response;
}

absl::StatusOr<v1::GetRoomStateResponse> RoomBrowser::GetRoomState(
    const v1::GetRoomStateRequest& request, const AudienceScope& scope) const {
  RoomReader reader(engine_);
  auto room = ReadVisibleRoom(reader, request.room_id(), request.requester(), scope);
  if (!room.ok()) return room.status();

  RoomReader::StateQuery query;
  query.room_id = request.room_id();
  query.revision = request.revision() == 0 ? room->revision() : request.revision();
  if (!request.type().empty()) query.type = request.type();
  if (request.has_state_key()) query.state_key = request.state_key();
  if (!request.page_token().empty()) {
    auto token = OpenPageToken<StatePageToken>(signer_, kStatePurpose, request.page_token());
    if (!token) return PageTokenInvalid("damaged");
    if (token->room_id() != request.room_id() || token->requester() != request.requester() ||
        token->filter_type() != request.type() || request.has_state_key() ||
        (request.revision() != 0 && token->revision() != request.revision())) {
      return PageTokenInvalid("other-request");
    }
    query.revision = token->revision();
    query.after = {token->last_type(), token->last_state_key()};
  }
  if (query.revision > room->revision()) return RevisionOutOfRange(*room);

  const int page_size = PageSize(request.page_size(), kMaxStatePage, kMaxStatePage);
  v1::GetRoomStateResponse response;
  response.set_revision(query.revision);
  size_t page_bytes = 0;
  absl::Status status;
  absl::Status scanned = reader.ScanState(
      query, [&](const storage::StatePosition& position, const storage::StateRecord& record) {
        if (response.events_size() == page_size || page_bytes >= kMaxPageBytes) {
          const v1::StateEvent& last = *response.events().rbegin();
          StatePageToken token;
          token.set_room_id(request.room_id());
          token.set_requester(request.requester());
          token.set_filter_type(request.type());
          token.set_revision(query.revision);
          token.set_last_type(last.type());
          token.set_last_state_key(last.state_key());
          response.set_next_page_token(SealPageToken(signer_, kStatePurpose, token));
          return false;
        }
        absl::StatusOr<v1::StateEvent> event = ToProto(position, record);
        status = event.status();
        if (!status.ok()) return false;
        // Content may be several times as long in a reply as it is stored.
        page_bytes += event->ByteSizeLong();
        *response.add_events() = *std::move(event);
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  if (request.has_state_key() && response.events().empty()) {
    return WithResource(MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_STATE_NOT_FOUND,
                                  "the room's state has no entry of this type and state_key"),
                        "state", absl::StrCat(request.type(), " ", request.state_key()));
  }
  return response;
}

absl::StatusOr<v1::ListRoomsResponse> RoomBrowser::ListRooms(const v1::ListRoomsRequest& request,
                                                             const AudienceScope& scope) const {
  std::string after;
  if (!request.page_token().empty()) {
    auto token = OpenPageToken<RoomsPageToken>(signer_, kRoomsPurpose, request.page_token());
    if (!token) return PageTokenInvalid("damaged");
    if (token->requester() != request.requester() ||
        token->status() != static_cast<int>(request.status())) {
      return PageTokenInvalid("other-request");
    }
    after = token->last_room_id();
  }
  const int page_size = PageSize(request.page_size(), kDefaultPage, kMaxPage);
  v1::ListRoomsResponse response;
  int scanned_rooms = 0;
  size_t page_bytes = 0;
  bool more = false;
  // Takes a room into the page; false once there is no place for another.
  auto take = [&](const storage::RoomRecord& room) {
    if (response.rooms_size() == page_size || page_bytes >= kMaxPageBytes ||
        scanned_rooms == kMaxScanned) {
      more = true;
      return false;
    }
    ++scanned_rooms;
    after = room.room_id();
    const bool is_visible = !request.requester().empty() || scope.Includes(room.audience());
    if (is_visible && HasStatus(room, request.status())) {
      *response.add_rooms() = ToProto(room);
      page_bytes += room.ByteSizeLong();
    }
    return true;
  };

  RoomReader reader(engine_);
  absl::Status status;
  if (request.requester().empty()) {
    status = reader.ScanRooms(after, take);
  } else {
    absl::Status read;
    status = reader.ScanRoomsOfUser(
        request.requester(), after,
        [&](const std::string& room_id, const storage::UserRoomRecord& user_room) {
          if (user_room.membership() != "join") return true;
          auto room = reader.GetRoom(room_id);
          read = room.status();
          if (!read.ok()) return false;
          const bool is_staged = !room->has_value();
          return is_staged || take((*room)->record);
        });
    if (status.ok()) status = read;
  }
  if (!status.ok()) return status;
  if (more) {
    RoomsPageToken token;
    token.set_requester(request.requester());
    token.set_status(request.status());
    token.set_last_room_id(after);
    response.set_next_page_token(SealPageToken(signer_, kRoomsPurpose, token));
  }
  return response;
}

}  // namespace innkeeper::lifecycle
