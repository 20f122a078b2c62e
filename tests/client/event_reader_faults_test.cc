// EventReader copes with what the real server cannot be made to do: the server here
// says what the test tells it to.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/event_reader.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "tests/client/test_clients.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;

// One stream: what is sent, and how it ends.
struct Script {
  std::vector<v1::WatchRoomEventsResponse> messages;
  grpc::Status end;
};

// Streams by the scripts, one after the other; then UNIMPLEMENTED.
class ScriptedServer final : public v1::RoomLifecycle::Service {
 public:
  explicit ScriptedServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }

  ~ScriptedServer() override { server_->Shutdown(); }

  const std::string& address() const { return address_; }

  // The cursors that streams were to start behind.
  std::vector<std::string> cursors() const {
    absl::MutexLock lock(&mutex_);
    return cursors_;
  }

 private:
  grpc::Status WatchRoomEvents(grpc::ServerContext*, const v1::WatchRoomEventsRequest* request,
                               grpc::ServerWriter<v1::WatchRoomEventsResponse>* writer) override {
    Script script = {{}, grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "the script is over")};
    {
      absl::MutexLock lock(&mutex_);
      if (cursors_.size() < scripts_.size()) script = scripts_[cursors_.size()];
      cursors_.push_back(request->after_cursor());
    }
    for (const auto& message : script.messages) writer->Write(message);
    return script.end;
  }

  const std::vector<Script> scripts_;
  mutable absl::Mutex mutex_;
  std::vector<std::string> cursors_ ABSL_GUARDED_BY(mutex_);
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

v1::WatchRoomEventsResponse Confirmed(const std::string& cursor) {
  v1::WatchRoomEventsResponse message;
  message.mutable_confirmed()->set_cursor(cursor);
  return message;
}

v1::WatchRoomEventsResponse Progress(const std::string& cursor) {
  v1::WatchRoomEventsResponse message;
  message.mutable_progress()->set_cursor(cursor);
  return message;
}

v1::WatchRoomEventsResponse Events(const std::vector<std::string>& event_cursors,
                                   const std::string& cursor) {
  v1::WatchRoomEventsResponse message;
  for (const std::string& event_cursor : event_cursors) {
    message.mutable_events()->add_events()->set_cursor(event_cursor);
  }
  message.mutable_events()->set_cursor(cursor);
  return message;
}

grpc::Status Overloaded(int retry_seconds) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  info.set_domain("innkeeper");
  info.set_reason("OVERLOADED");
  details.add_details()->PackFrom(info);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(retry_seconds);
  details.add_details()->PackFrom(retry);
  return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "", details.SerializeAsString());
}

const grpc::Status kBroken(grpc::StatusCode::UNAVAILABLE, "");

// A client that does not wait, and draws the longest waiting times.
Client HastyClient(const ScriptedServer& server) {
  ClientSurroundings surroundings;
  surroundings.random = [] { return ~uint64_t{0}; };
  surroundings.sleep = [](absl::Duration, const absl::Notification&) {};
  return Client(TestOptions(server.address(), "admin"), surroundings);
}

// The waiting times of a watch up to its end.
std::vector<int64_t> MillisecondsWaited(const ScriptedServer& server) {
  EventReader reader(HastyClient(server), {});
  std::vector<int64_t> waits;
  while (const auto interrupted = NextOf<WatchInterrupted>(reader)) {
    waits.push_back(absl::ToInt64Milliseconds(interrupted->retry_delay));
  }
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kUnimplemented) << reader.status();
  return waits;
}

TEST(EventReaderFaultsTest, GoesOnBehindTheLastMessage) {
  const ScriptedServer server({{{Confirmed("a")}, kBroken},
                               {{Confirmed("a"), Events({"b", "c"}, "d")}, kBroken},
                               {{Confirmed("d"), Progress("e")}, kBroken}});
  EventReader reader(HastyClient(server), {.after_cursor = "start"});
  std::vector<std::string> cursors;
  while (const auto item = reader.Next()) {
    if (!std::holds_alternative<WatchInterrupted>(item->what)) cursors.push_back(item->cursor);
  }
  EXPECT_THAT(cursors, ElementsAre("b", "c", "e"));
  EXPECT_THAT(server.cursors(), ElementsAre("start", "a", "d", "e"));
}

TEST(EventReaderFaultsTest, TellsOfFallingBehind) {
  v1::WatchRoomEventsResponse fell_behind;
  fell_behind.mutable_fell_behind()->set_cursor("b");
  fell_behind.mutable_fell_behind()->mutable_lag()->set_events(7);
  const ScriptedServer server({{{Confirmed("a"), fell_behind}, kBroken}});
  EventReader reader(HastyClient(server), {});
  const auto item = reader.Next();
  ASSERT_TRUE(item && std::holds_alternative<v1::WatchFellBehind>(item->what));
  EXPECT_EQ(std::get<v1::WatchFellBehind>(item->what).lag().events(), 7);
  EXPECT_EQ(item->cursor, "b");
}

TEST(EventReaderFaultsTest, AStreamThatBringsNothingIsNoSuccess) {
  const ScriptedServer server({{{}, kBroken},
                               {{Confirmed("a")}, kBroken},
                               {{Confirmed("a")}, kBroken},
                               {{Confirmed("a"), Progress("a")}, kBroken},
                               {{Confirmed("a")}, kBroken}});
  EXPECT_THAT(MillisecondsWaited(server), ElementsAre(1, 2, 4, 1, 2));
}

TEST(EventReaderFaultsTest, WaitsAsLongAsTheServerAsksFor) {
  const ScriptedServer server({{{}, Overloaded(5)}, {{}, Overloaded(0)}});
  EXPECT_THAT(MillisecondsWaited(server), ElementsAre(5001, 2));
}

TEST(EventReaderFaultsTest, GoesOnAfterErrorsThatMayPass) {
  std::vector<Script> scripts;
  for (const auto code :
       {grpc::StatusCode::OK, grpc::StatusCode::CANCELLED, grpc::StatusCode::UNKNOWN,
        grpc::StatusCode::DEADLINE_EXCEEDED, grpc::StatusCode::RESOURCE_EXHAUSTED,
        grpc::StatusCode::ABORTED, grpc::StatusCode::INTERNAL, grpc::StatusCode::UNAVAILABLE,
        grpc::StatusCode::DATA_LOSS}) {
    scripts.push_back({{}, grpc::Status(code, "")});
  }
  const ScriptedServer server(scripts);
  EXPECT_EQ(MillisecondsWaited(server).size(), scripts.size());
}

TEST(EventReaderFaultsTest, EndsWithErrorsThatStay) {
  for (const auto code : {grpc::StatusCode::UNAUTHENTICATED, grpc::StatusCode::PERMISSION_DENIED,
                          grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::OUT_OF_RANGE,
                          grpc::StatusCode::UNIMPLEMENTED}) {
    const ScriptedServer server({{{}, grpc::Status(code, "")}});
    EventReader reader(HastyClient(server), {.on_history_gone = OnHistoryGone::kSkip});
    EXPECT_FALSE(reader.Next());
    EXPECT_EQ(static_cast<int>(reader.status().code()), code);
  }
}

TEST(EventReaderFaultsTest, SkipsMessagesOfLaterVersions) {
  const ScriptedServer server(
      {{{Confirmed("a"), v1::WatchRoomEventsResponse(), Progress("b")}, kBroken}});
  EventReader reader(HastyClient(server), {});
  const auto item = reader.Next();
  ASSERT_TRUE(item && std::holds_alternative<v1::WatchProgress>(item->what));
  EXPECT_EQ(item->cursor, "b");
}

}  // namespace
}  // namespace innkeeper
