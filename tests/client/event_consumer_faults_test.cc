// EventConsumer copes with what the real server cannot be made to do: the server here
// says what the test tells it to.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/event_consumer.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "innkeeper/v1/event_subscriptions.grpc.pb.h"
#include "tests/client/test_clients.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kPatience = absl::Seconds(60);

const grpc::Status kBroken(grpc::StatusCode::UNAVAILABLE, "");
const grpc::Status kOver(grpc::StatusCode::UNIMPLEMENTED, "the script is over");

grpc::Status ConsumerNotFound() {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  info.set_domain("innkeeper");
  info.set_reason("CONSUMER_NOT_FOUND");
  details.add_details()->PackFrom(info);
  return grpc::Status(grpc::StatusCode::NOT_FOUND, "", details.SerializeAsString());
}

// One stream: messages, those behind a rejection, and how it ends, which waits for the
// acknowledgement of the last message if `awaits_ack`.
struct Script {
  std::vector<v1::ConsumeEventsResponse> messages;
  std::vector<v1::ConsumeEventsResponse> behind_rejection = {};
  bool awaits_ack = false;
  grpc::Status end = kBroken;
};

// Streams by the scripts, one after the other; then UNIMPLEMENTED.
class ScriptedServer final : public v1::EventSubscriptions::Service {
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

  // What the next acknowledgements come to, instead of success.
  void FailAcks(std::vector<grpc::Status> statuses) {
    absl::MutexLock lock(&mutex_);
    ack_failures_ = std::move(statuses);
  }

  // Lets no acknowledgement through until it is called with false.
  void HoldAcks(bool held) {
    absl::MutexLock lock(&mutex_);
    acks_held_ = held;
  }

  // What `last_cursor` answers to a rejection.
  void AnswerRejections(const std::string& last_cursor) {
    absl::MutexLock lock(&mutex_);
    last_cursor_ = last_cursor;
  }

  // "CONSUMER CURSOR" of each call of AckEvents, and "CONSUMER SEQUENCE ERROR" of RejectEvent.
  std::vector<std::string> acks() const {
    absl::MutexLock lock(&mutex_);
    return acks_;
  }
  std::vector<std::string> rejections() const {
    absl::MutexLock lock(&mutex_);
    return rejections_;
  }

  void AwaitAcks(size_t count) const {
    absl::MutexLock lock(&mutex_);
    const auto came = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return acks_.size() >= count; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&came), kPatience));
  }

 private:
  grpc::Status ConsumeEvents(grpc::ServerContext*, const v1::ConsumeEventsRequest*,
                             grpc::ServerWriter<v1::ConsumeEventsResponse>* writer) override {
    Script script = {.messages = {}, .end = kOver};
    {
      absl::MutexLock lock(&mutex_);
      if (streams_ < scripts_.size()) script = scripts_[streams_];
      ++streams_;
    }
    for (const auto& message : script.messages) writer->Write(message);
    if (!script.behind_rejection.empty()) {
      absl::MutexLock lock(&mutex_);
      const auto came = [this]()
                            ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !rejections_.empty(); };
      EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&came), kPatience));
    }
    for (const auto& message : script.behind_rejection) writer->Write(message);
    if (script.awaits_ack) AwaitAckOf(script);
    return script.end;
  }

  void AwaitAckOf(const Script& script) const {
    const auto& last =
        script.behind_rejection.empty() ? script.messages.back() : script.behind_rejection.back();
    absl::MutexLock lock(&mutex_);
    const auto came = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return acknowledged_ == last.events().cursor();
    };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&came), kPatience));
  }

  grpc::Status AckEvents(grpc::ServerContext*, const v1::AckEventsRequest* request,
                         v1::AckEventsResponse*) override {
    absl::MutexLock lock(&mutex_);
    acks_.push_back(absl::StrCat(request->consumer_id(), " ", request->cursor()));
    const auto goes_on = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !acks_held_; };
    mutex_.Await(absl::Condition(&goes_on));
    if (!ack_failures_.empty()) {
      grpc::Status failure = ack_failures_.front();
      ack_failures_.erase(ack_failures_.begin());
      return failure;
    }
    acknowledged_ = request->cursor();
    return grpc::Status::OK;
  }

  grpc::Status RejectEvent(grpc::ServerContext*, const v1::RejectEventRequest* request,
                           v1::RejectEventResponse* response) override {
    absl::MutexLock lock(&mutex_);
    rejections_.push_back(
        absl::StrCat(request->consumer_id(), " ", request->sequence(), " ", request->error()));
    response->set_rejected(true);
    response->set_last_cursor(last_cursor_);
    return grpc::Status::OK;
  }

  const std::vector<Script> scripts_;
  mutable absl::Mutex mutex_;
  size_t streams_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<grpc::Status> ack_failures_ ABSL_GUARDED_BY(mutex_);
  bool acks_held_ ABSL_GUARDED_BY(mutex_) = false;
  std::string last_cursor_ ABSL_GUARDED_BY(mutex_);
  std::string acknowledged_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> acks_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> rejections_ ABSL_GUARDED_BY(mutex_);
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

v1::ConsumeEventsResponse Started(const std::string& consumer_id) {
  v1::ConsumeEventsResponse message;
  message.mutable_started()->set_consumer_id(consumer_id);
  return message;
}

v1::ConsumeEventsResponse Progress() {
  v1::ConsumeEventsResponse message;
  message.mutable_progress();
  return message;
}

struct Event {
  int32_t part = 0;
  int64_t sequence = 0;
  bool replayed = false;
};

v1::ConsumeEventsResponse Events(const std::string& cursor, const std::vector<Event>& events) {
  v1::ConsumeEventsResponse message;
  message.mutable_events()->set_cursor(cursor);
  for (const Event& event : events) {
    v1::DeliveredEvent& delivered = *message.mutable_events()->add_events();
    delivered.set_part(event.part);
    delivered.mutable_event()->set_sequence(event.sequence);
    delivered.set_replayed(event.replayed);
  }
  return message;
}

// What an application saw of a script.
struct Consumption {
  std::vector<int64_t> calls;  // the sequences that the application was called with
  std::vector<int64_t> waits;  // before each new stream, in milliseconds
  std::vector<absl::Status> interruptions;
  absl::Status end;
};

// Consumes to the end, with a client that does not wait and draws the longest waiting times.
// The application fails the first time that it is called with the event `rejected`.
Consumption Consume(const ScriptedServer& server, int64_t rejected = 0) {
  ClientSurroundings surroundings;
  surroundings.random = [] { return ~uint64_t{0}; };
  surroundings.sleep = [](absl::Duration, const absl::Notification&) {};
  Consumption consumption;
  ConsumerOptions options{.subscription = "orders"};
  options.on_interrupted = [&](const absl::Status& error, absl::Duration delay) {
    consumption.interruptions.push_back(error);
    consumption.waits.push_back(absl::ToInt64Milliseconds(delay));
  };
  absl::Notification ended;
  EventConsumer consumer(
      Client(TestOptions(server.address(), "admin"), surroundings), options,
      [&](const v1::DeliveredEvent& event) {
        consumption.calls.push_back(event.event().sequence());
        const bool fails = event.event().sequence() == rejected;
        if (fails) rejected = 0;
        return fails ? absl::InternalError("no") : absl::OkStatus();
      },
      [&](const absl::Status& status) {
        consumption.end = status;
        ended.Notify();
      });
  EXPECT_TRUE(ended.WaitForNotificationWithTimeout(kPatience));
  return consumption;
}

TEST(EventConsumerFaultsTest, AcknowledgesAsTheConsumerThatItIs) {
  const ScriptedServer server(
      {{.messages = {Started("a"), Events("a1", {{1, 1}})}, .awaits_ack = true},
       {.messages = {Started("b"), Events("b1", {{1, 2}})}, .awaits_ack = true}});
  EXPECT_THAT(Consume(server).calls, ElementsAre(1, 2));
  EXPECT_THAT(server.acks(), ElementsAre("a a1", "b b1"));
}

TEST(EventConsumerFaultsTest, PassesOverWhatARejectionTookBack) {
  ScriptedServer server(
      {{.messages = {Started("a"), Events("1", {{1, 1}, {1, 2}, {2, 3}}),
                     Events("2", {{1, 4}, {2, 5}}), Events("3", {{1, 1, /*replayed=*/true}})},
        .behind_rejection = {Events("4", {{1, 1}}), Events("5", {{1, 2}, {1, 4}})},
        .awaits_ack = true}});
  server.AnswerRejections("3");
  EXPECT_THAT(Consume(server, /*rejected=*/1).calls, ElementsAre(1, 3, 5, 1, 1, 2, 4));
  EXPECT_THAT(server.rejections(), ElementsAre("a 1 no"));
}

TEST(EventConsumerFaultsTest, PassesOverNothingIfNothingWasTakenBack) {
  const ScriptedServer server(
      {{.messages = {Started("a"), Events("1", {{1, 1}, {1, 2}}), Events("2", {{1, 3}})},
        .awaits_ack = true}});
  EXPECT_THAT(Consume(server, /*rejected=*/1).calls, ElementsAre(1, 2, 3));
}

TEST(EventConsumerFaultsTest, ANewStreamHasNothingToPassOver) {
  ScriptedServer server(
      {{.messages = {Started("a"), Events("1", {{1, 1}})},
        .behind_rejection = {Events("2", {{1, 2}})}},
       {.messages = {Started("b"), Events("1", {{1, 1}, {1, 2}})}, .awaits_ack = true}});
  server.AnswerRejections("3");
  const std::vector<int64_t> calls = Consume(server, /*rejected=*/1).calls;
  EXPECT_THAT(calls, ElementsAre(1, 1, 2));
}

TEST(EventConsumerFaultsTest, AnAcknowledgementThatFailsIsRepeated) {
  ScriptedServer server({{.messages = {Started("a"), Events("1", {{1, 1}})}, .awaits_ack = true}});
  server.FailAcks({kBroken, kBroken});
  EXPECT_THAT(Consume(server).calls, ElementsAre(1));
  EXPECT_THAT(server.acks(), ElementsAre("a 1", "a 1", "a 1"));
}

TEST(EventConsumerFaultsTest, AConsumerThatIsNotKnownAnyMoreBecomesAnother) {
  ScriptedServer server({{.messages = {Started("a"), Events("1", {{1, 1}})}, .awaits_ack = true},
                         {.messages = {Started("b"), Events("1", {{1, 1}})}, .awaits_ack = true}});
  server.FailAcks({ConsumerNotFound()});
  const Consumption consumption = Consume(server);
  EXPECT_THAT(consumption.calls, ElementsAre(1, 1));
  ASSERT_FALSE(consumption.interruptions.empty());
  EXPECT_EQ(consumption.interruptions[0].code(), absl::StatusCode::kNotFound);
}

TEST(EventConsumerFaultsTest, WhatIsDoneDuringAnAcknowledgementSharesTheNext) {
  ScriptedServer server({{.messages = {Started("a"), Events("1", {{1, 1}}), Events("2", {{1, 2}}),
                                       Events("3", {{1, 3}})},
                          .awaits_ack = true}});
  server.HoldAcks(true);
  absl::Notification ended;
  EventConsumer consumer(
      Client(TestOptions(server.address(), "admin")), {.subscription = "orders"},
      [&](const v1::DeliveredEvent& event) {
        if (event.event().sequence() == 2) server.AwaitAcks(1);  // that of the first
        if (event.event().sequence() == 3) server.HoldAcks(false);
        return absl::OkStatus();
      },
      [&](const absl::Status&) { ended.Notify(); });
  ended.WaitForNotification();
  const std::vector<std::string> acks = server.acks();
  EXPECT_EQ(acks.front(), "a 1");
  EXPECT_EQ(acks.back(), "a 3");
  EXPECT_LE(acks.size(), 3u);
}

TEST(EventConsumerFaultsTest, AStreamThatBringsNothingIsNoSuccess) {
  const ScriptedServer server({{.messages = {}},
                               {.messages = {Started("a")}},
                               {.messages = {Started("a")}},
                               {.messages = {Started("a"), Progress()}},
                               {.messages = {Started("a")}}});
  EXPECT_THAT(Consume(server).waits, ElementsAre(1, 2, 4, 1, 2));
}

TEST(EventConsumerFaultsTest, EventsThatCannotBeAcknowledgedAreNoSuccess) {
  const Script script = {.messages = {Started("a"), Events("1", {{1, 1}})}, .awaits_ack = true};
  ScriptedServer server({script, script, script, script});
  server.FailAcks({ConsumerNotFound(), ConsumerNotFound(), ConsumerNotFound()});
  EXPECT_THAT(Consume(server).waits, ElementsAre(1, 2, 4, 1));
}

TEST(EventConsumerFaultsTest, EventsWithoutAStartAreNotTaken) {
  const ScriptedServer server({{.messages = {Events("1", {{1, 1}})}}});
  const Consumption consumption = Consume(server);
  EXPECT_THAT(consumption.calls, IsEmpty());
  ASSERT_FALSE(consumption.interruptions.empty());
  EXPECT_EQ(consumption.interruptions[0].code(), absl::StatusCode::kInternal);
}

TEST(EventConsumerFaultsTest, EndsWithErrorsThatStay) {
  for (const auto code : {grpc::StatusCode::UNAUTHENTICATED, grpc::StatusCode::PERMISSION_DENIED,
                          grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::NOT_FOUND,
                          grpc::StatusCode::OUT_OF_RANGE, grpc::StatusCode::UNIMPLEMENTED}) {
    const ScriptedServer server({{.messages = {}, .end = grpc::Status(code, "")}});
    EXPECT_EQ(static_cast<int>(Consume(server).end.code()), code);
  }
}

}  // namespace
}  // namespace innkeeper
