// File: tests/support/consumer_stream.h

#ifndef INNKEEPER_TESTS_SUPPORT_CONSUMER_STREAM_H_
#define INNKEEPER_TESTS_SUPPORT_CONSUMER_STREAM_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"
#include "innkeeper/v1/event_subscriptions.grpc.pb.h"
#include "tests/support/test_client.h"

namespace innkeeper {

// A consumer of a durable subscription, which reads its stream message by message. Not
// thread-safe, but for Cancel().
class ConsumerStream {
 public:
  // Opens the stream. `client` must outlive it.
  ConsumerStream(const TestClient& client, const v1::ConsumeEventsRequest& request);

  // Cancels the stream, if it is still open.
  ~ConsumerStream();

  ConsumerStream(const ConsumerStream&) = delete;
  ConsumerStream& operator=(const ConsumerStream&) = delete;

  // Waits for the next message; nothing at the end of the stream.
  std::optional<v1::ConsumeEventsResponse> Next();

  // Waits until `count` more events came, or the stream has ended, and returns them.
  std::vector<v1::DeliveredEvent> NextEvents(size_t count);

  // Waits until the stream has begun, or ended.
  void AwaitStart();

  // Acknowledges everything that came.
  Reply<v1::AckEventsResponse> Ack() const;

  Reply<v1::RejectEventResponse> Reject(int64_t sequence, const std::string& error) const;

  const std::string& consumer_id() const { return consumer_id_; }  // "" until it began
  const std::string& cursor() const { return cursor_; }            // of the last message

  void Cancel() { context_.TryCancel(); }

  // Reads what is left, and returns how the stream ended.
  grpc::Status Finish();

 private:
  const TestClient& client_;
  const std::string name_;
  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientReader<v1::ConsumeEventsResponse>> reader_;
  std::string consumer_id_;
  std::string cursor_;
  bool finished_ = false;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_CONSUMER_STREAM_H_
