#include "tests/stream/reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper::stream {
namespace {

using MessageKind = SeenMessage::Kind;
using StartKind = SeenStart::Kind;

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

SeenStart FirstStart(const v1::WatchRoomEventsRequest& request, const SeenStart& of_cursor) {
  if (request.has_after_cursor()) return of_cursor;
  switch (request.position()) {
    case v1::START_POSITION_OLDEST:
      return {StartKind::kOldest};
    case v1::START_POSITION_SNAPSHOT:
      return {StartKind::kSnapshot};
    default:
      return {StartKind::kNow};
  }
}

// gRPC itself says UNAVAILABLE or UNKNOWN of a server that is gone, and CANCELLED of one
// that goes.
bool IsGone(const grpc::Status& status) {
  const std::string reason = ReasonOf(status);
  return reason == "SHUTTING_DOWN" ||
         (reason.empty() && (status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                             status.error_code() == grpc::StatusCode::UNKNOWN ||
                             status.error_code() == grpc::StatusCode::CANCELLED));
}

}  // namespace

// One stream, which tells the reader of everything. Holds the call open while no read is
// under way, so that a slow reader can read on later.
class Reader::Stream final : private grpc::ClientReadReactor<v1::WatchRoomEventsResponse> {
 public:
  Stream(Reader& reader, std::shared_ptr<grpc::Channel> channel, v1::WatchRoomEventsRequest request)
      : reader_(reader), channel_(std::move(channel)), request_(std::move(request)) {}

  void Start() {
    context_.AddMetadata("authorization",
                         absl::StrCat("Bearer ", TestToken(reader_.options_.principal)));
    v1::RoomLifecycle::NewStub(channel_)->async()->WatchRoomEvents(&context_, &request_, this);
    AddHold();
    ReadIfAllowed();
    StartCall();
  }

  void ReadOn() { StartRead(&message_); }
  void Cancel() { context_.TryCancel(); }

 private:
  void ReadIfAllowed() {
    if (reader_.MayRead()) ReadOn();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return RemoveHold();
    reader_.Receive(message_);
    ReadIfAllowed();
  }

  void OnDone(const grpc::Status& status) override {
    Reader& reader = reader_;
    const grpc::Channel* const channel = channel_.get();
    reader.Detach();
    delete this;  // not what `status` refers to
    reader.Ended(channel, status);
  }

  Reader& reader_;
  const std::shared_ptr<grpc::Channel> channel_;
  const v1::WatchRoomEventsRequest request_;
  grpc::ClientContext context_;
  v1::WatchRoomEventsResponse message_;
};

Reader::Reader(Options options)
    : options_(std::move(options)), allowance_(options_.is_slow ? 0 : kNoLimit) {
  absl::MutexLock lock(&mutex_);
  recording_.reader = options_.name;
  recording_.filter = options_.request.filter();
}

Reader::~Reader() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    if (stream_ != nullptr) stream_->Cancel();
  }
  Take(kNoLimit);
  const auto has_ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !HasStream(); };
  absl::MutexLock lock(&mutex_, absl::Condition(&has_ended));
}

void Reader::Connect(std::shared_ptr<grpc::Channel> channel) {
  Stream* stream;
  {
    absl::MutexLock lock(&mutex_);
    channels_.push_back(channel);
    channel_ = std::move(channel);
    stream = NewStreamIfDue();
  }
  if (stream != nullptr) stream->Start();
}

Reader::Stream* Reader::NewStreamIfDue() {
  if (ending_ || HasStream() || channel_ == nullptr) return nullptr;
  SeenStart start;
  v1::WatchRoomEventsRequest request = NextRequest(&start);
  ++streams_;
  recording_.streams.push_back({.start = start});
  return stream_ = new Stream(*this, channel_, std::move(request));
}

v1::WatchRoomEventsRequest Reader::NextRequest(SeenStart* start) {
  v1::WatchRoomEventsRequest request = options_.request;
  *start = FirstStart(request, options_.start);
  if (!oldest_left_.empty()) {
    request.set_after_cursor(std::exchange(oldest_left_, ""));
    *start = {StartKind::kOldestLeft};
    return request;
  }
  const bool after_event = streams_ % 2 == 0 && !after_event_.cursor.empty();
  const Bookmark& bookmark = after_event ? after_event_ : after_message_;
  if (bookmark.cursor.empty()) return request;
  request.set_after_cursor(bookmark.cursor);
  *start = bookmark.start;
  return request;
}

bool Reader::MayRead() {
  absl::MutexLock lock(&mutex_);
  stream_waits_ = allowance_ == 0;
  if (stream_waits_) return false;
  if (allowance_ != kNoLimit) --allowance_;
  return true;
}

void Reader::Take(int64_t messages) {
  Stream* stream = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    allowance_ = messages == kNoLimit ? kNoLimit : allowance_ + messages;
    if (!std::exchange(stream_waits_, false)) return;
    if (allowance_ != kNoLimit) --allowance_;
    stream = stream_;
  }
  stream->ReadOn();
}

void Reader::TakeAll() { Take(kNoLimit); }

void Reader::Interrupt() {
  absl::MutexLock lock(&mutex_);
  if (stream_ == nullptr) return;
  interrupted_ = true;
  stream_->Cancel();
}

void Reader::Receive(const v1::WatchRoomEventsResponse& message) {
  absl::MutexLock lock(&mutex_);
  switch (message.message_case()) {
    case v1::WatchRoomEventsResponse::kConfirmed:
      ReceiveConfirmed(message.confirmed());
      break;
    case v1::WatchRoomEventsResponse::kSnapshot:
      ReceiveRooms(message.snapshot());
      break;
    case v1::WatchRoomEventsResponse::kSnapshotEnd:
      ReceiveBookmark(message.snapshot_end().cursor(), message.snapshot_end().sequence(),
                      MessageKind::kSnapshotEnd);
      break;
    case v1::WatchRoomEventsResponse::kEvents:
      ReceiveEvents(message.events());
      break;
    case v1::WatchRoomEventsResponse::kProgress:
      ReceiveBookmark(message.progress().cursor(), message.progress().sequence());
      break;
    case v1::WatchRoomEventsResponse::kCaughtUp:
      ReceiveBookmark(message.caught_up().cursor(), message.caught_up().sequence());
      recording_.streams.back().messages.back().is_caught_up = true;
      break;
    case v1::WatchRoomEventsResponse::kFellBehind:
      ReceiveBookmark(message.fell_behind().cursor(), message.fell_behind().sequence());
      ++fallbacks_;
      break;
    default:
      failure_ = absl::StrCat("a message that was not asked for: ", message.DebugString());
  }
}

// Where there is a snapshot, nothing is had before its end.
void Reader::ReceiveConfirmed(const v1::WatchConfirmed& confirmed) {
  SeenStream& stream = recording_.streams.back();
  const int64_t behind = confirmed.start_sequence() - 1;
  if (stream.start.kind == StartKind::kSnapshot) {
    stream.messages.push_back({.kind = MessageKind::kConfirmed, .sequence = behind});
  } else {
    ReceiveBookmark(confirmed.cursor(), behind, MessageKind::kConfirmed);
  }
  stream.messages.back().oldest_sequence = confirmed.oldest_sequence();
  stream.messages.back().head_sequence = confirmed.head_sequence();
  confirmed_ = true;
}

void Reader::ReceiveRooms(const v1::RoomSnapshot& snapshot) {
  SeenMessage& seen = recording_.streams.back().messages.emplace_back();
  seen.kind = MessageKind::kSnapshot;
  for (const v1::Room& room : snapshot.rooms()) {
    SeenRoom& seen_room = seen.rooms.emplace_back();
    seen_room = {room.room_id(), room.creator(), room.status() == v1::ROOM_STATUS_TOMBSTONED};
    if (room.status() == v1::ROOM_STATUS_ACTIVE) seen_room.revision = room.revision();
  }
}

void Reader::ReceiveEvents(const v1::RoomEventBatch& batch) {
  SeenMessage& seen = recording_.streams.back().messages.emplace_back();
  seen.commit_continues = batch.commit_continues();
  for (const v1::RoomEvent& event : batch.events()) {
    seen.events.push_back(Seen(event));
    position_ = std::max(position_, event.sequence());
    after_event_ = {event.cursor(), {StartKind::kBehind, event.sequence()}};
  }
  after_message_ = {batch.cursor(), {StartKind::kAtLeast, after_event_.start.position}};
}

void Reader::ReceiveBookmark(const std::string& cursor, int64_t sequence, MessageKind kind) {
  recording_.streams.back().messages.push_back({.kind = kind, .sequence = sequence});
  position_ = std::max(position_, sequence);
  after_message_ = {cursor, {StartKind::kBehind, sequence}};
}

void Reader::Detach() {
  absl::MutexLock lock(&mutex_);
  stream_ = nullptr;
  detached_ = true;
}

void Reader::Ended(const grpc::Channel* channel, const grpc::Status& status) {
  Stream* next;
  {
    absl::MutexLock lock(&mutex_);
    recording_.streams.back().end_reason = ReasonOf(status);
    const bool was_interrupted = std::exchange(interrupted_, false);
    if (ReasonOf(status) == "EVENT_HISTORY_GONE") {
      oldest_left_ = MetadataOf(status)["oldest_cursor"];
    } else if (!IsGone(status)) {
      channel_ = nullptr;
      failure_ = absl::StrCat(status.error_code(), " ", status.error_message());
    } else if (channel == channel_.get() && !was_interrupted) {
      channel_ = nullptr;
    }
    detached_ = false;
    next = NewStreamIfDue();
  }
  if (next != nullptr) next->Start();
}

bool Reader::AwaitPosition(int64_t sequence, absl::Duration timeout) const {
  const auto is_there = [this, sequence]()
                            ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return position_ >= sequence; };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&is_there), timeout);
}

bool Reader::AwaitConfirmation(absl::Duration timeout) const {
  const auto is_confirmed = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return confirmed_; };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&is_confirmed), timeout);
}

Recording Reader::TakeRecording() {
  absl::MutexLock lock(&mutex_);
  Recording rest{.reader = options_.name, .filter = options_.request.filter()};
  std::vector<SeenStream>& streams = recording_.streams;
  if (HasStream() && StartOf(streams.back())) {
    rest.streams.push_back({.start = {StartKind::kGoingOn, position_}});
  } else if (HasStream()) {
    // What did not begin yet is the next recording's, with what it follows on.
    const bool lost_history = streams.back().start.kind == StartKind::kOldestLeft;
    const auto begin = streams.end() - (lost_history && streams.size() > 1 ? 2 : 1);
    rest.streams.assign(begin, streams.end());
    streams.erase(begin, streams.end());
  }
  return std::exchange(recording_, std::move(rest));
}

std::vector<Reader::Bookmark> Reader::bookmarks() const {
  absl::MutexLock lock(&mutex_);
  return {after_event_, after_message_};
}

int64_t Reader::position() const {
  absl::MutexLock lock(&mutex_);
  return position_;
}

int Reader::streams() const {
  absl::MutexLock lock(&mutex_);
  return streams_;
}

int Reader::fallbacks() const {
  absl::MutexLock lock(&mutex_);
  return fallbacks_;
}

std::string Reader::Describe() const {
  absl::MutexLock lock(&mutex_);
  return absl::StrCat(options_.name, ", ", streams_, " streams, ",
                      stream_ != nullptr    ? "one open"
                      : channel_ == nullptr ? "waits for a server"
                                            : "none open",
                      stream_waits_ ? ", does not read" : "", "; ", failure_);
}

std::string Reader::failure() const {
  absl::MutexLock lock(&mutex_);
  return failure_;
}

}  // namespace innkeeper::stream
