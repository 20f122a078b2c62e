// File: tests/bench/live_readers.h
//
// Many readers of the event stream, live.

#ifndef INNKEEPER_TESTS_BENCH_LIVE_READERS_H_
#define INNKEEPER_TESTS_BENCH_LIVE_READERS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "tests/bench/stream_reader.h"

namespace innkeeper::bench {

// Streams of WatchRoomEvents that started with what was new when this object was made.
class LiveReaders {
 public:
  enum class Attention {
    kMeasure,  // every message is parsed, and how old its events are is noted
    kIgnore,   // messages are taken and dropped
  };

  // Opens `count` streams on connections with `streams_per_connection` each, and returns
  // when all have caught up.
  LiveReaders(const std::string& address, int count, int streams_per_connection,
              Attention attention);

  // Ends the streams.
  ~LiveReaders();

  // With kMeasure, waits until all have the event that is `events` behind the newest one at
  // the start, and returns how old that was when the last of them got it.
  absl::Duration AwaitEvents(int64_t events);

  // How many events all readers got together, and how old they were when they came: the
  // time from the beginning of their commit to the reader. With kMeasure.
  struct Ages {
    int64_t events = 0;
    absl::Duration p50;
    absl::Duration p99;
    absl::Duration max;
  };
  Ages TakeAges();

 private:
  struct Reader {
    absl::Mutex mutex;
    bool caught_up ABSL_GUARDED_BY(mutex) = false;
    int64_t sequence ABSL_GUARDED_BY(mutex) = 0;
    absl::Duration last_age ABSL_GUARDED_BY(mutex);
    std::vector<int64_t> ages_ns ABSL_GUARDED_BY(mutex);
    std::unique_ptr<StreamReader> stream;  // ends before what it writes to
  };

  void Receive(Reader& reader, grpc::ByteBuffer& bytes) const;

  const Attention attention_;
  int64_t head_ = 0;
  std::vector<std::unique_ptr<Reader>> readers_;
};

}  // namespace innkeeper::bench

#endif  // INNKEEPER_TESTS_BENCH_LIVE_READERS_H_
