#include "server/directory/directory_reader.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/directory/page_token.pb.h"
#include "server/lifecycle/paging.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/visible_room.h"
#include "storage/room_store.h"

namespace innkeeper::directory {
namespace {

using storage::RoomReader;
using storage::RoomRecord;

// How many rooms one call looks at, so that a filter that matches little does not
// make it long.
constexpr int kMaxRoomsScanned = 10'000;

constexpr char kPagePurpose[] = "public-rooms-page";

// The filter of a request.
class Filter {
 public:
  explicit Filter(const v1::ListPublicRoomsRequest& request)
      : search_(absl::AsciiStrToLower(request.search())), room_type_(request.room_type()) {}

  bool Matches(const RoomRecord& room) const {
    if (!room_type_.empty() && room.room_type() != room_type_) return false;
    return Has(room.name()) || Has(room.topic()) || Has(room.canonical_alias());
  }

 private:
  bool Has(const std::string& text) const {
    return absl::StrContains(absl::AsciiStrToLower(text), search_);
  }

  const std::string search_;  // in lower case
  const std::string room_type_;
};

// Whether `room` says itself that it is in that place on the list. No seal protects the list:
// whoever can write to the store's files could put a room on it that is not public.
bool IsListedAt(const RoomReader::ListedRoom& listed, const RoomRecord& room) {
  return room.is_public() && room.has_listed_member_count() &&
         room.listed_member_count() == listed.joined_member_count;
}

v1::PublicRoom ToPublicRoom(const RoomRecord& room) {
  v1::PublicRoom shown;
  shown.set_room_id(room.room_id());
  shown.set_room_version(room.room_version());
  shown.set_room_type(room.room_type());
  shown.set_name(room.name());
  shown.set_topic(room.topic());
  shown.set_canonical_alias(room.canonical_alias());
  shown.set_joined_member_count(room.joined_member_count());
  shown.set_encryption_algorithm(room.encryption_algorithm());
  return shown;
}

// Where the page begins that the request asks for: behind a room, or at the start.
absl::StatusOr<std::optional<RoomReader::ListedRoom>> StartOf(
    const v1::ListPublicRoomsRequest& request, const TokenSigner& signer) {
  if (request.page_token().empty()) return std::nullopt;
  auto token =
      lifecycle::OpenPageToken<PublicRoomsPageToken>(signer, kPagePurpose, request.page_token());
  if (!token) return lifecycle::PageTokenInvalid("damaged");
  if (token->search() != request.search() || token->room_type() != request.room_type()) {
    return lifecycle::PageTokenInvalid("other-request");
  }
  return RoomReader::ListedRoom{token->last_joined_member_count(), token->last_room_id()};
}

std::string PageTokenBehind(const RoomReader::ListedRoom& last,
                            const v1::ListPublicRoomsRequest& request, const TokenSigner& signer) {
  PublicRoomsPageToken token;
  token.set_search(request.search());
  token.set_room_type(request.room_type());
  token.set_last_joined_member_count(last.joined_member_count);
  token.set_last_room_id(last.room_id);
  return signer.Sign(kPagePurpose, token.SerializeAsString());
}

}  // namespace

absl::StatusOr<v1::ResolveAliasResponse> DirectoryReader::ResolveAlias(
    const v1::ResolveAliasRequest& request) const {
  auto stored = RoomReader(engine_).GetAlias(request.alias());
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return lifecycle::AliasNotFound(request.alias());
  v1::ResolveAliasResponse response;
  response.set_room_id((*stored)->record.room_id());
  return response;
}

absl::StatusOr<v1::ListAliasesResponse> DirectoryReader::ListAliases(
    const v1::ListAliasesRequest& request, const AudienceScope& scope) const {
  const RoomReader reader(engine_);
  auto room = lifecycle::ReadVisibleRoom(reader, request.room_id(), request.requester(), scope);
  if (!room.ok()) return room.status();
  auto aliases = reader.ListAliases(request.room_id());
  if (!aliases.ok()) return aliases.status();
  v1::ListAliasesResponse response;
  response.mutable_aliases()->Assign(aliases->begin(), aliases->end());
  return response;
}

absl::StatusOr<v1::ListPublicRoomsResponse> DirectoryReader::ListPublicRooms(
    const v1::ListPublicRoomsRequest& request) const {
  auto start = StartOf(request, signer_);
  if (!start.ok()) return start.status();
  const int page_size =
      lifecycle::PageSize(request.page_size(), lifecycle::kDefaultPage, lifecycle::kMaxPage);
  const Filter filter(request);
  const RoomReader reader(engine_);
  v1::ListPublicRoomsResponse response;
  RoomReader::ListedRoom last;
  int scanned_rooms = 0;
  size_t page_bytes = 0;
  absl::Status read;
  absl::Status scanned = reader.ScanListedRooms(*start, [&](RoomReader::ListedRoom listed) {
    if (response.rooms_size() == page_size || page_bytes >= lifecycle::kMaxPageBytes ||
        scanned_rooms == kMaxRoomsScanned) {
      response.set_next_page_token(PageTokenBehind(last, request, signer_));
      return false;
    }
    ++scanned_rooms;
    auto room = reader.GetRoom(listed.room_id);
    read = room.status();
    if (read.ok() && !(room->has_value() && IsListedAt(listed, (*room)->record))) {
      read = absl::DataLossError("the list of public rooms is damaged");
    }
    if (!read.ok()) return false;
    last = std::move(listed);
    if (filter.Matches((*room)->record)) {
      *response.add_rooms() = ToPublicRoom((*room)->record);
      page_bytes += response.rooms().rbegin()->ByteSizeLong();
    }
    return true;
  });
  if (!scanned.ok()) return scanned;
  if (!read.ok()) return read;
  return response;
}

}  // namespace innkeeper::directory
