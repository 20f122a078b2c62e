// File: tests/support/watch_stream.h

#ifndef INNKEEPER_TESTS_SUPPORT_WATCH_STREAM_H_
#define INNKEEPER_TESTS_SUPPORT_WATCH_STREAM_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "tests/support/test_client.h"

namespace innkeeper {

// A stream of WatchRoomEvents, read message by message. Not thread-safe, but for
// Cancel().
class WatchStream {
 public:
  // Opens the stream. `client` must outlive it.
  WatchStream(const TestClient& client, const v1::WatchRoomEventsRequest& request);

  // Cancels the stream, if it is still open.
  ~WatchStream();

  WatchStream(const WatchStream&) = delete;
  WatchStream& operator=(const WatchStream&) = delete;

  // Waits for the next message; nothing at the end of the stream.
  std::optional<v1::WatchRoomEventsResponse> Next();

  // Waits for the message `caught_up`. Returns the events until then.
  std::vector<v1::RoomEvent> UntilCaughtUp();

  // Waits until `count` more events came, and returns them.
  std::vector<v1::RoomEvent> NextEvents(size_t count);

  // The cursor of the last message that came.
  const std::string& cursor() const { return cursor_; }

  void Cancel() { context_.TryCancel(); }

  // Reads what is left, and returns how the stream ended.
  grpc::Status Finish();

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientReader<v1::WatchRoomEventsResponse>> reader_;
  std::string cursor_;
  bool finished_ = false;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_WATCH_STREAM_H_
