#include "server/state/timeline_reader.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/lifecycle/paging.h"
#include "server/lifecycle/visible_room.h"
#include "server/state/timeline_event.h"
#include "server/state/timeline_page_token.pb.h"
#include "storage/room_store.h"

namespace innkeeper::state {
namespace {

using storage::RoomReader;

constexpr char kPurpose[] = "timeline-page";

// Events are read so many at a time, since those of a page that goes backward are only
// known to be too large in all once they are read.
constexpr int64_t kMaxChunk = 32;

TimelinePageToken FirstPage(const v1::ListEventsRequest& request, int64_t event_count) {
  TimelinePageToken page;
  page.set_room_id(request.room_id());
  page.set_requester(request.requester());
  page.set_forward(request.direction() == v1::TIMELINE_DIRECTION_FORWARD);
  page.set_next(page.forward() ? 1 : event_count);
  page.set_last(page.forward() ? event_count : 1);
  return page;
}

absl::StatusOr<TimelinePageToken> PageOf(const v1::ListEventsRequest& request, int64_t event_count,
                                         const TokenSigner& signer) {
  TimelinePageToken first = FirstPage(request, event_count);
  if (request.page_token().empty()) return first;
  auto page = lifecycle::OpenPageToken<TimelinePageToken>(signer, kPurpose, request.page_token());
  if (!page) return lifecycle::PageTokenInvalid("damaged");
  if (page->room_id() != first.room_id() || page->requester() != first.requester() ||
      page->forward() != first.forward()) {
    return lifecycle::PageTokenInvalid("other-request");
  }
  // Of a room that was deleted, and imported anew with fewer events.
  if (std::max(page->next(), page->last()) > event_count) {
    return lifecycle::PageTokenInvalid("other-request");
  }
  return *std::move(page);
}

// How many events there are from the next one to the last.
int64_t Left(const TimelinePageToken& page) {
  return page.forward() ? page.last() - page.next() + 1 : page.next() - page.last() + 1;
}

// Reads the next `count` events of the page, in its order.
absl::StatusOr<std::vector<NumberedEvent>> ReadChunk(const RoomReader& reader,
                                                     const TimelinePageToken& page, int64_t count) {
  const int64_t first = page.forward() ? page.next() : page.next() - count + 1;
  std::vector<NumberedEvent> events;
  absl::Status scanned =
      reader.ScanEvents(page.room_id(), first, [&](int64_t number, storage::EventRecord record) {
        events.push_back({number, std::move(record)});
        return static_cast<int64_t>(events.size()) < count;
      });
  if (!scanned.ok()) return scanned;
  if (static_cast<int64_t>(events.size()) != count || events.back().number != first + count - 1) {
    return absl::DataLossError(absl::StrCat(page.room_id(), " has lost an event"));
  }
  if (!page.forward()) std::reverse(events.begin(), events.end());
  return events;
}

}  // namespace

absl::StatusOr<v1::GetEventResponse> TimelineReader::GetEvent(const v1::GetEventRequest& request,
                                                              const AudienceScope& scope) const {
  const RoomReader reader(engine_);
  auto room = lifecycle::ReadVisibleRoom(reader, request.room_id(), request.requester(), scope);
  if (!room.ok()) return room.status();
  absl::StatusOr<NumberedEvent> event = FindEvent(reader, request.room_id(), request.event_id());
  if (!event.ok()) return event.status();
  absl::StatusOr<v1::TimelineEvent> proto = ToProto(*event);
  if (!proto.ok()) return proto.status();
  v1::GetEventResponse response;
  *response.mutable_event() = *std::move(proto);
  return response;
}

absl::StatusOr<v1::ListEventsResponse> TimelineReader::ListEvents(
    const v1::ListEventsRequest& request, const AudienceScope& scope) const {
  const RoomReader reader(engine_);
  auto room = lifecycle::ReadVisibleRoom(reader, request.room_id(), request.requester(), scope);
  if (!room.ok()) return room.status();
  absl::StatusOr<TimelinePageToken> page = PageOf(request, room->latest_event_number(), signer_);
  if (!page.ok()) return page.status();

  const int page_size =
      lifecycle::PageSize(request.page_size(), lifecycle::kDefaultPage, lifecycle::kMaxPage);
  v1::ListEventsResponse response;
  size_t page_bytes = 0;
  const auto has_place = [&] {
    return response.events_size() < page_size && page_bytes < lifecycle::kMaxPageBytes;
  };
  while (Left(*page) > 0 && has_place()) {
    const int64_t place = page_size - response.events_size();
    auto events = ReadChunk(reader, *page, std::min({Left(*page), place, kMaxChunk}));
    if (!events.ok()) return events.status();
    for (const NumberedEvent& event : *events) {
      if (!has_place()) break;
      absl::StatusOr<v1::TimelineEvent> proto = ToProto(event);
      if (!proto.ok()) return proto.status();
      page_bytes += proto->ByteSizeLong();
      *response.add_events() = *std::move(proto);
      page->set_next(page->next() + (page->forward() ? 1 : -1));
    }
  }
  if (Left(*page) > 0) {
    response.set_next_page_token(lifecycle::SealPageToken(signer_, kPurpose, *page));
  }
  return response;
}

}  // namespace innkeeper::state
