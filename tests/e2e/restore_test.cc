// A server whose store is put back from a copy: cursors from before the copy go on as if
// nothing had happened, and those of what was lost are refused for ever.

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "tests/e2e/e2e_test.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAreArray;

class RestoreTest : public testing::Test {
 protected:
  // Creates rooms; returns the cursor behind the last one's event.
  std::string CreateRooms(int count) {
    for (int i = 0; i < count; ++i) client_->Create(RoomRequest("@alice:example.org"));
    return client_->AllEvents().back().cursor();
  }

  void Backup() {
    std::error_code error;
    do {  // once more if the store has dropped a file meanwhile
      fs::remove_all(backup_);
      fs::copy(server_.config().data_dir, backup_, fs::copy_options::recursive, error);
    } while (error == std::errc::no_such_file_or_directory);
    ASSERT_FALSE(error) << error.message();
  }

  void Stop() { ASSERT_TRUE(server_.Stop().ok()); }

  void PutBackAndStart() {
    Stop();
    fs::remove_all(server_.config().data_dir);
    fs::copy(backup_, server_.config().data_dir, fs::copy_options::recursive);
    Start();
  }

  void Start() {
    server_.Start();
    client_ = std::make_unique<TestClient>(server_.address(), TestToken("admin"));
  }

  // The causes for which both ways of reading refuse `cursor`.
  std::vector<std::string> CausesFor(const std::string& cursor) {
    WatchStream stream(*client_, Watch(cursor));
    EXPECT_FALSE(stream.Next());
    const grpc::Status watched = stream.Finish();
    const grpc::Status listed = List(cursor).status;
    for (const grpc::Status& status : {watched, listed}) {
      EXPECT_THAT(status, IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
    }
    EXPECT_EQ(MetadataOf(watched)["common_cursor"], MetadataOf(listed)["common_cursor"]);
    return {MetadataOf(watched)["cause"], MetadataOf(listed)["cause"]};
  }

  // Expects that both ways of reading go on behind `cursor` with exactly these.
  void ExpectGoesOn(const std::string& cursor, const std::vector<int64_t>& sequences) {
    WatchStream stream(*client_, Watch(cursor));
    EXPECT_THAT(Sequences(stream.UntilCaughtUp()), ElementsAreArray(sequences));
    const auto page = List(cursor).response;
    EXPECT_THAT(Sequences({page.events().begin(), page.events().end()}),
                ElementsAreArray(sequences));
  }

  static v1::WatchRoomEventsRequest Watch(const std::string& cursor) {
    v1::WatchRoomEventsRequest request;
    request.set_after_cursor(cursor);
    return request;
  }

  Reply<v1::ListRoomEventsResponse> List(const std::string& cursor) {
    v1::ListRoomEventsRequest request;
    request.set_after_cursor(cursor);
    return client_->ListRoomEvents(request);
  }

  static std::vector<int64_t> Sequences(const std::vector<v1::RoomEvent>& events) {
    std::vector<int64_t> sequences;
    for (const v1::RoomEvent& event : events) sequences.push_back(event.sequence());
    return sequences;
  }

  TestServer server_;
  std::unique_ptr<TestClient> client_ =
      std::make_unique<TestClient>(server_.address(), TestToken("admin"));
  const TempDir elsewhere_;
  const std::string backup_ = elsewhere_.File("backup");
};

TEST_F(RestoreTest, ACopyOfAStoppedServer) {
  const std::string before = CreateRooms(2);
  const std::string last = CreateRooms(1);
  Stop();
  Backup();
  Start();
  const std::string lost = CreateRooms(2);
  ExpectGoesOn(last, {4, 5});

  PutBackAndStart();
  EXPECT_THAT(CausesFor(lost), testing::Each("other-log"));
  ExpectGoesOn(last, {});
  ExpectGoesOn(before, {3});
  for (int head = 4; head <= 7; ++head) {  // also when the log has grown past it
    CreateRooms(1);
    EXPECT_THAT(CausesFor(lost), testing::Each("other-log"));
  }
  ExpectGoesOn(last, {4, 5, 6, 7});
  ExpectGoesOn(before, {3, 4, 5, 6, 7});
}

TEST_F(RestoreTest, ACopyOfARunningServer) {
  const std::string before = CreateRooms(2);
  const std::string last = CreateRooms(1);
  Backup();  // as the snapshot of a volume
  const std::string lost = CreateRooms(2);

  PutBackAndStart();
  EXPECT_THAT(CausesFor(lost), testing::Each("lost"));
  CreateRooms(3);
  EXPECT_THAT(CausesFor(lost), testing::Each("lost"));
  ExpectGoesOn(last, {4, 5, 6});
  ExpectGoesOn(before, {3, 4, 5, 6});
  ExpectGoesOn(MetadataOf(List(lost).status)["common_cursor"], {4, 5, 6});
}

}  // namespace
}  // namespace innkeeper
