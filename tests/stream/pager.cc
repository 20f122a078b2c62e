#include "tests/stream/pager.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper::stream {
namespace {

// How many are read at a time: small ones never come up with a log that grows.
constexpr int kMaxPages = 100;

Recording NewRecording(const v1::RoomEventFilter& filter, int32_t page_size, int64_t position) {
  Recording recording{.reader = absl::StrCat("pages of ", page_size), .filter = filter};
  recording.streams.push_back({.start = {SeenStart::Kind::kGoingOn, position}});
  return recording;
}

}  // namespace

Pager::Pager(const v1::RoomEventFilter& filter, int32_t page_size)
    : recording_(NewRecording(filter, page_size, 0)) {
  *request_.mutable_filter() = filter;
  request_.set_page_size(page_size);
}

bool Pager::ReadOn(const std::string& address) {
  const TestClient client(address, TestToken("watcher"));
  for (int pages = 0; pages < kMaxPages; ++pages) {
    const Reply<v1::ListRoomEventsResponse> reply = client.ListRoomEvents(request_);
    if (!reply.ok()) return false;
    SeenMessage& page = recording_.streams.back().messages.emplace_back();
    page.commit_continues = reply.response.commit_continues();
    for (const v1::RoomEvent& event : reply.response.events()) {
      page.events.push_back(Seen(event));
      position_ = event.sequence();
    }
    request_.set_after_cursor(reply.response.next_cursor());
    if (!reply.response.has_more()) break;
  }
  return true;
}

Recording Pager::TakeRecording() {
  return std::exchange(recording_,
                       NewRecording(request_.filter(), request_.page_size(), position_));
}

}  // namespace innkeeper::stream
