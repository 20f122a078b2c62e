#include "tests/crash/watcher.h"

#include <memory>
#include <utility>

#include "tests/crash/operation.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper::crash {

Watcher::Watcher(Violations& violations) : violations_(violations), thread_([this] { Run(); }) {}

Watcher::~Watcher() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  thread_.join();
}

void Watcher::Connect(const std::string& address) {
  absl::MutexLock lock(&mutex_);
  address_ = address;
}

bool Watcher::WaitFor(int64_t sequence, absl::Duration timeout) {
  auto arrived = [this, sequence]()
                     ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return last_sequence() >= sequence; };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&arrived), timeout);
}

std::vector<v1::RoomEvent> Watcher::events() const {
  absl::MutexLock lock(&mutex_);
  return events_;
}

int Watcher::streams() const {
  absl::MutexLock lock(&mutex_);
  return streams_;
}

void Watcher::Run() {
  for (std::string address = AwaitAddress(); !address.empty(); address = AwaitAddress()) {
    Stream(address);
  }
}

std::string Watcher::AwaitAddress() {
  auto due = [this]()
                 ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ending_ || !address_.empty(); };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&due));
  return ending_ ? "" : std::exchange(address_, "");
}

void Watcher::Stream(const std::string& address) {
  const TestClient client(address, TestToken("watcher"));
  grpc::ClientContext context;
  context.AddMetadata("authorization", absl::StrCat("Bearer ", TestToken("watcher")));
  v1::WatchRoomEventsRequest request;
  {
    absl::MutexLock lock(&mutex_);
    if (ending_) return;
    if (cursor_.empty()) {
      request.set_position(v1::START_POSITION_OLDEST);
    } else {
      request.set_after_cursor(cursor_);
    }
    context_ = &context;
    ++streams_;
  }
  auto stream = client.stub().WatchRoomEvents(&context, request);
  v1::WatchRoomEventsResponse message;
  while (stream->Read(&message)) Receive(message);
  const grpc::Status status = stream->Finish();
  absl::MutexLock lock(&mutex_);
  context_ = nullptr;
  violations_.Expect(ending_ || IsUnanswered(status) || ReasonOf(status) == "SHUTTING_DOWN",
                     "the stream behind event ", last_sequence(),
                     " ended with: ", status.error_message());
}

void Watcher::Receive(const v1::WatchRoomEventsResponse& message) {
  absl::MutexLock lock(&mutex_);
  switch (message.message_case()) {
    case v1::WatchRoomEventsResponse::kConfirmed:
      ReceiveConfirmed(message.confirmed());
      break;
    case v1::WatchRoomEventsResponse::kEvents:
      ReceiveEvents(message.events());
      break;
    case v1::WatchRoomEventsResponse::kProgress:
      violations_.Expect(message.progress().sequence() == last_sequence(), "progress to ",
                         message.progress().sequence(), " behind event ", last_sequence());
      cursor_ = message.progress().cursor();
      break;
    case v1::WatchRoomEventsResponse::kCaughtUp:
      violations_.Expect(message.caught_up().sequence() == last_sequence(), "caught up with ",
                         message.caught_up().sequence(), " behind event ", last_sequence());
      cursor_ = message.caught_up().cursor();
      break;
    case v1::WatchRoomEventsResponse::kFellBehind:
      violations_.Expect(message.fell_behind().sequence() == last_sequence(), "fell behind at ",
                         message.fell_behind().sequence(), " behind event ", last_sequence());
      cursor_ = message.fell_behind().cursor();
      break;
    case v1::WatchRoomEventsResponse::kSnapshot:
    case v1::WatchRoomEventsResponse::kSnapshotEnd:
      violations_.Add("a snapshot that was not asked for");
      break;
    case v1::WatchRoomEventsResponse::MESSAGE_NOT_SET:
      violations_.Add("an empty message on the stream");
      break;
  }
}

void Watcher::ReceiveConfirmed(const v1::WatchConfirmed& confirmed) {
  violations_.Expect(confirmed.start_sequence() == last_sequence() + 1, "the stream goes on with ",
                     confirmed.start_sequence(), " behind event ", last_sequence());
  violations_.Expect(confirmed.head_sequence() >= last_sequence(), "event ", last_sequence(),
                     " was delivered, and the log now ends with ", confirmed.head_sequence());
  cursor_ = confirmed.cursor();
}

void Watcher::ReceiveEvents(const v1::RoomEventBatch& batch) {
  for (const v1::RoomEvent& event : batch.events()) {
    violations_.Expect(event.sequence() == last_sequence() + 1, "event ", event.sequence(),
                       " came behind event ", last_sequence());
    events_.push_back(event);
  }
  cursor_ = batch.cursor();
}

int64_t Watcher::last_sequence() const { return events_.empty() ? 0 : events_.back().sequence(); }

}  // namespace innkeeper::crash
