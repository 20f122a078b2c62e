// File: tests/stream/reader.h
//
// A reader of the event stream that goes on when its stream ends, and records what it gets.

#ifndef INNKEEPER_TESTS_STREAM_READER_H_
#define INNKEEPER_TESTS_STREAM_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "tests/stream/recording.h"

namespace innkeeper::stream {

// Reads from a start on, and after each end of its stream from where that ended: behind its
// last event or its last message in turns, or with what is left if the log no longer has what
// comes next. Needs no thread. Thread-safe.
class Reader {
 public:
  struct Options {
    std::string name;
    v1::WatchRoomEventsRequest request;  // of the first stream
    SeenStart start;                     // that its `after_cursor` stands for, if it has one
    // True for a reader that takes messages only as Take() lets it.
    bool is_slow = false;
    // The principal of tests/support/test_server.h that reads.
    std::string principal = "watcher";
  };

  explicit Reader(Options options);

  // Breaks the stream off.
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Tells where the server is now. A stream is opened there as soon as there is no other.
  void Connect(std::shared_ptr<grpc::Channel> channel);

  // Lets a slow reader take that many more messages.
  void Take(int64_t messages);

  // Makes a slow reader one that takes all.
  void TakeAll();

  // Breaks the stream off; another one is opened at the same server.
  void Interrupt();

  // Waits until the reader knows that it has everything up to `sequence`. False if that
  // takes longer than `timeout`.
  bool AwaitPosition(int64_t sequence, absl::Duration timeout) const;

  // Waits until a stream was confirmed. False if that takes longer than `timeout`.
  bool AwaitConfirmation(absl::Duration timeout) const;

  // What came so far and was not taken before.
  Recording TakeRecording();

  // A cursor, and the start that it stands for.
  struct Bookmark {
    std::string cursor;
    SeenStart start;
  };
  // The last event's and the last message's; empty cursors if there was none.
  std::vector<Bookmark> bookmarks() const;

  bool is_slow() const { return options_.is_slow; }

  // The sequence up to which it has everything.
  int64_t position() const;

  // How many streams it opened, and how often one said that it fell behind.
  int streams() const;
  int fallbacks() const;

  // What it is doing, in words.
  std::string Describe() const;

  // How its streams ended in ways that they should not have: with errors other than those of
  // a server that went away or no longer has what comes next.
  std::string failure() const;

 private:
  class Stream;

  // Makes a stream, to be started, if there is none and it is known where.
  Stream* NewStreamIfDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::WatchRoomEventsRequest NextRequest(SeenStart* start) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasStream() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stream_ != nullptr || detached_;
  }
  // For the stream. True if it may read on now; else it will be told to.
  bool MayRead();
  void Receive(const v1::WatchRoomEventsResponse& message);
  // The end of it in two steps, with its own end between them: as long as the reader
  // waits for the second, it is the reader that holds the last of the channel.
  void Detach();
  void Ended(const grpc::Channel* channel, const grpc::Status& status);

  void ReceiveConfirmed(const v1::WatchConfirmed& confirmed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReceiveRooms(const v1::RoomSnapshot& snapshot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReceiveEvents(const v1::RoomEventBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReceiveBookmark(const std::string& cursor, int64_t sequence,
                       SeenMessage::Kind kind = SeenMessage::Kind::kBookmark)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  mutable absl::Mutex mutex_;
  // All there were. gRPC's threads must not be the ones to let go of the last channel.
  std::vector<std::shared_ptr<grpc::Channel>> channels_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);  // none if it was in vain
  Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;                // deletes itself
  bool detached_ ABSL_GUARDED_BY(mutex_) = false;                   // but not deleted yet
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t allowance_ ABSL_GUARDED_BY(mutex_);
  bool stream_waits_ ABSL_GUARDED_BY(mutex_) = false;  // for the allowance
  bool interrupted_ ABSL_GUARDED_BY(mutex_) = false;   // what ends the stream is us
  int fallbacks_ ABSL_GUARDED_BY(mutex_) = 0;
  int streams_ ABSL_GUARDED_BY(mutex_) = 0;
  bool confirmed_ ABSL_GUARDED_BY(mutex_) = false;  // some stream was
  int64_t position_ ABSL_GUARDED_BY(mutex_) = 0;
  // Empty if there was none.
  std::string oldest_left_ ABSL_GUARDED_BY(mutex_);
  Bookmark after_event_ ABSL_GUARDED_BY(mutex_);
  Bookmark after_message_ ABSL_GUARDED_BY(mutex_);
  Recording recording_ ABSL_GUARDED_BY(mutex_);
  std::string failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::stream

#endif  // INNKEEPER_TESTS_STREAM_READER_H_
