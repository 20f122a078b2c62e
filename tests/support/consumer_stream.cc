#include "tests/support/consumer_stream.h"

#include <utility>

namespace innkeeper {
namespace {

grpc::ClientContext* Prepared(const TestClient& client, grpc::ClientContext& context) {
  client.Prepare(context);
  return &context;
}

}  // namespace

ConsumerStream::ConsumerStream(const TestClient& client, const v1::ConsumeEventsRequest& request)
    : client_(client),
      name_(request.name()),
      reader_(client.subscriptions_stub().ConsumeEvents(Prepared(client, context_), request)) {}

ConsumerStream::~ConsumerStream() {
  if (finished_) return;
  Cancel();
  Finish();
}

std::optional<v1::ConsumeEventsResponse> ConsumerStream::Next() {
  v1::ConsumeEventsResponse message;
  if (!reader_->Read(&message)) return std::nullopt;
  if (message.has_started()) consumer_id_ = message.started().consumer_id();
  if (message.has_events()) cursor_ = message.events().cursor();
  return message;
}

std::vector<v1::DeliveredEvent> ConsumerStream::NextEvents(size_t count) {
  std::vector<v1::DeliveredEvent> events;
  while (events.size() < count) {
    const auto message = Next();
    if (!message) break;
    events.insert(events.end(), message->events().events().begin(),
                  message->events().events().end());
  }
  return events;
}

void ConsumerStream::AwaitStart() {
  while (consumer_id_.empty() && Next()) {
  }
}

Reply<v1::AckEventsResponse> ConsumerStream::Ack() const {
  v1::AckEventsRequest request;
  request.set_name(name_);
  request.set_consumer_id(consumer_id_);
  request.set_cursor(cursor_);
  return client_.AckEvents(request);
}

Reply<v1::RejectEventResponse> ConsumerStream::Reject(int64_t sequence,
                                                      const std::string& error) const {
  v1::RejectEventRequest request;
  request.set_name(name_);
  request.set_consumer_id(consumer_id_);
  request.set_sequence(sequence);
  request.set_error(error);
  return client_.RejectEvent(request);
}

grpc::Status ConsumerStream::Finish() {
  while (Next()) {
  }
  finished_ = true;
  return reader_->Finish();
}

}  // namespace innkeeper
