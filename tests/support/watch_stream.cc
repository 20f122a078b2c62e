#include "tests/support/watch_stream.h"

#include <utility>

namespace innkeeper {
namespace {

grpc::ClientContext* Prepared(const TestClient& client, grpc::ClientContext& context) {
  client.Prepare(context);
  return &context;
}

const std::string& CursorOf(const v1::WatchRoomEventsResponse& message) {
  switch (message.message_case()) {
    case v1::WatchRoomEventsResponse::kConfirmed:
      return message.confirmed().cursor();
    case v1::WatchRoomEventsResponse::kEvents:
      return message.events().cursor();
    case v1::WatchRoomEventsResponse::kProgress:
      return message.progress().cursor();
    case v1::WatchRoomEventsResponse::kFellBehind:
      return message.fell_behind().cursor();
    case v1::WatchRoomEventsResponse::kSnapshotEnd:
      return message.snapshot_end().cursor();
    default:
      return message.caught_up().cursor();  // none in a snapshot
  }
}

}  // namespace

WatchStream::WatchStream(const TestClient& client, const v1::WatchRoomEventsRequest& request)
    : reader_(client.stub().WatchRoomEvents(Prepared(client, context_), request)) {}

WatchStream::~WatchStream() {
  if (finished_) return;
  Cancel();
  Finish();
}

std::optional<v1::WatchRoomEventsResponse> WatchStream::Next() {
  v1::WatchRoomEventsResponse message;
  if (!reader_->Read(&message)) return std::nullopt;
  cursor_ = CursorOf(message);
  return message;
}

std::vector<v1::RoomEvent> WatchStream::UntilCaughtUp() {
  std::vector<v1::RoomEvent> events;
  while (auto message = Next()) {
    events.insert(events.end(), message->events().events().begin(),
                  message->events().events().end());
    if (message->has_caught_up()) break;
  }
  return events;
}

std::vector<v1::RoomEvent> WatchStream::NextEvents(size_t count) {
  std::vector<v1::RoomEvent> events;
  while (events.size() < count) {
    auto message = Next();
    if (!message) break;
    events.insert(events.end(), message->events().events().begin(),
                  message->events().events().end());
  }
  return events;
}

grpc::Status WatchStream::Finish() {
  while (Next()) {
  }
  finished_ = true;
  return reader_->Finish();
}

}  // namespace innkeeper
