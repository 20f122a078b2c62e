// File: tests/stream/scene.h
//
// Readers, writers, and the log that they are measured by.

#ifndef INNKEEPER_TESTS_STREAM_SCENE_H_
#define INNKEEPER_TESTS_STREAM_SCENE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "tests/stream/consumers.h"
#include "tests/stream/reader.h"
#include "tests/stream/recording.h"
#include "tests/stream/validators.h"
#include "tests/stream/writers.h"

namespace innkeeper::stream {

// A connection to a server. With `window`, one that takes in no more than so many bytes of
// streams that are not read.
std::shared_ptr<grpc::Channel> Connection(const std::string& address, int window = 0);

// A request for everything from `position` on, with progress every second.
v1::WatchRoomEventsRequest RequestFrom(v1::StartPosition position);

// Not thread-safe, but for LogFollower's thread.
class Scene {
 public:
  explicit Scene(Writers::Options writers) : writers_(writers) {}

  // Readers may share connections, `readers_per_connection` each.
  Reader& AddReader(Reader::Options options);
  // Readers of every usual kind: from the oldest event and from now on, with a snapshot, with
  // and without filters, with messages that are too small for a commit.
  void AddUsualReaders();

  // Readers with a snapshot, for when there are rooms to show; one takes two at a time. They
  // are connected.
  void AddSnapshotReaders();

  // Consumers of durable subscriptions. To be added before the first Connect().
  Consumers& AddConsumers(Consumers::Options options);
  // Two groups: some that share all rooms and are done with everything in the end, and some
  // that have events parked.
  void AddUsualConsumers();

  // Has another reader take the place of one that ends, whose recording is kept. It is
  // connected.
  void ReplaceReader(size_t index, Reader::Options options);

  // Tells readers and writers where the server is now.
  void Connect(const std::string& address, size_t readers_per_connection = 1);

  // Takes over what the log has beyond what it had. Notes a problem if it has a gap.
  void ReadLog();

  // Holds what consumers were done with against the log as it was read last.
  void CheckConsumers();

  // Notes a problem unless `holds`. Returns it.
  bool Expect(bool holds, const std::string& problem);

  // Stops the writers, waits until all readers and consumers have everything, and tries the
  // cursors that readers had. Afterwards recordings() is whole.
  void Finish();

  Writers& writers() { return writers_; }
  const std::vector<std::unique_ptr<Reader>>& readers() const { return readers_; }
  const std::vector<std::unique_ptr<Consumers>>& consumers() const { return consumers_; }
  Log& log() { return log_; }
  const Log& log() const { return log_; }
  std::vector<Recording>& recordings() { return recordings_; }
  Problems& problems() { return problems_; }

 private:
  void TryCursors();
  void FinishConsumers();

  std::string address_;
  std::string log_cursor_;
  Log log_;
  std::vector<Recording> recordings_;
  Problems problems_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<v1::RoomEventFilter> filters_;  // of the readers
  std::vector<std::unique_ptr<Consumers>> consumers_;
  Writers writers_;
};

}  // namespace innkeeper::stream

#endif  // INNKEEPER_TESTS_STREAM_SCENE_H_
