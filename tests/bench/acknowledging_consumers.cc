#include "tests/bench/acknowledging_consumers.h"

#include <algorithm>
#include <utility>

#include "glog/logging.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "tests/bench/calls.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper::bench {

AcknowledgingConsumers::AcknowledgingConsumers(const std::string& address,
                                               const std::string& subscription, int count)
    : subscription_(subscription) {
  v1::CreateSubscriptionRequest create;
  create.mutable_subscription()->set_name(subscription);
  create.set_position(v1::START_POSITION_OLDEST);
  CHECK(TestClient(address, TestToken("admin")).CreateSubscription(create).ok());
  v1::ConsumeEventsRequest request;
  request.set_name(subscription);
  for (int i = 0; i < count; ++i) {
    Consumer& consumer = *consumers_.emplace_back(std::make_unique<Consumer>());
    consumer.channel = Connect(address);
    consumer.stub = v1::EventSubscriptions::NewStub(consumer.channel);
    consumer.stream = std::make_unique<StreamReader>(
        consumer.channel, "/innkeeper.v1.EventSubscriptions/ConsumeEvents", request,
        [this, &consumer](grpc::ByteBuffer& bytes) { Receive(consumer, bytes); });
  }
}

AcknowledgingConsumers::~AcknowledgingConsumers() {
  absl::MutexLock lock(&mutex_);
  ending_ = true;
  mutex_.Await(absl::Condition(this, &AcknowledgingConsumers::NoneAcknowledges));
}

void AcknowledgingConsumers::AwaitAcknowledged(int64_t events) {
  const auto are_acknowledged = [this, events]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return acknowledged_ >= events;
  };
  absl::MutexLock lock(&mutex_, absl::Condition(&are_acknowledged));
}

void AcknowledgingConsumers::Receive(Consumer& consumer, grpc::ByteBuffer& bytes) {
  v1::ConsumeEventsResponse message;
  CHECK(grpc::SerializationTraits<v1::ConsumeEventsResponse>::Deserialize(&bytes, &message).ok());
  absl::MutexLock lock(&mutex_);
  if (message.has_started()) consumer.id = message.started().consumer_id();
  if (!message.has_events()) return;
  consumer.cursor = message.events().cursor();
  if (!consumer.acknowledging && !ending_) Acknowledge(consumer);
}

void AcknowledgingConsumers::Acknowledge(Consumer& consumer) {
  consumer.acknowledging = true;
  v1::AckEventsRequest request;
  request.set_name(subscription_);
  request.set_consumer_id(consumer.id);
  request.set_cursor(std::exchange(consumer.cursor, ""));
  UnaryCall<v1::AckEventsRequest, v1::AckEventsResponse>::Start(
      *consumer.stub, &v1::EventSubscriptions::Stub::async::AckEvents, std::move(request),
      [this, &consumer](const grpc::Status& status, const v1::AckEventsResponse& response) {
        CHECK(status.ok()) << status.error_message();
        Acknowledged(consumer, response.acknowledged_event_count());
      });
}

void AcknowledgingConsumers::Acknowledged(Consumer& consumer, int64_t events) {
  absl::MutexLock lock(&mutex_);
  acknowledged_ += events;
  consumer.acknowledging = false;
  if (!consumer.cursor.empty() && !ending_) Acknowledge(consumer);
}

bool AcknowledgingConsumers::NoneAcknowledges() const {
  return std::none_of(consumers_.begin(), consumers_.end(),
                      [](const auto& consumer) { return consumer->acknowledging; });
}

}  // namespace innkeeper::bench
