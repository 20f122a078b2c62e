// Kills a server while writers delete rooms, and checks after the next start that what was
// acknowledged is gone for good, that nothing is gone by half, and that the store keeps
// nothing of a room that is gone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/support/child_process.h"
#include "tests/support/directory_watch.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper {
namespace {

constexpr int kDeleteKills = 5;
constexpr size_t kWriters = 4;
constexpr size_t kRooms = 60;  // of each round; more than are deleted before the kill
constexpr int kEnough = 10;    // deletions before it

// A room that is to be deleted.
struct Doomed {
  std::string name;  // unique
  std::string room_id;
  bool is_acknowledged = false;
  bool is_unanswered = false;
};

v1::DeleteRoomRequest DeletionOf(const Doomed& room) {
  v1::DeleteRoomRequest request;
  request.set_room_id(room.room_id);
  request.set_request_id(room.name);
  return request;
}

std::string AliasOf(const Doomed& room) { return absl::StrCat("#", room.name, ":example.org"); }

// A server process on a store of its own, which can be killed and started again.
class DeleteCrashTest : public testing::Test {
 protected:
  DeleteCrashTest() {
    dir_.Write("tokens.json", TestTokenFile());
    dir_.Write("server.log", "");
  }

  void Start() {
    server_ = std::make_unique<ChildProcess>(
        INNKEEPER_SERVER,
        std::vector<std::string>{"--listen_address=127.0.0.1:0", "--server_name=example.org",
                                 "--rate_limits=off",
                                 absl::StrCat("--data_dir=", dir_.File("data")),
                                 absl::StrCat("--tokens_file=", dir_.File("tokens.json"))},
        dir_.File("server.log"));
    address_ = ReadReadyAddress(*server_).value_or("");
    ASSERT_NE(address_, "");
    client_ = std::make_unique<TestClient>(address_, TestToken("admin"));
  }

  void Kill() {
    server_->Signal(SIGKILL);
    server_->Wait();
  }

  std::vector<Doomed> NewRooms(int round) const {
    std::vector<Doomed> rooms;
    for (size_t i = 0; i < kRooms; ++i) {
      Doomed room{.name = absl::StrCat("room-", round, "-", i)};
      v1::CreateRoomRequest request = RoomRequest(kAlice);
      request.set_alias(AliasOf(room));
      request.set_is_public(true);
      for (int j = 0; j < 5; ++j) request.add_invites(absl::StrCat("@guest", j, ":elsewhere.net"));
      room.room_id = client_->Create(request).room_id();
      rooms.push_back(std::move(room));
    }
    return rooms;
  }

  // Has writers delete the rooms until the server is killed.
  void KillDuringDeletions(std::vector<Doomed>& rooms) {
    std::atomic<int> acknowledged = 0;
    std::vector<std::thread> writers;
    for (size_t w = 0; w < kWriters; ++w) {
      writers.emplace_back([&, w] {
        const TestClient client(address_, TestToken("admin"));
        for (size_t i = w; i < rooms.size(); i += kWriters) {
          const auto deleted = client.DeleteRoom(DeletionOf(rooms[i]));
          rooms[i].is_acknowledged = deleted.ok();
          rooms[i].is_unanswered = !deleted.ok();
          if (!deleted.ok()) {
            EXPECT_EQ(ReasonOf(deleted.status), "") << deleted.status.error_message();
            return;
          }
          if (++acknowledged == kEnough) Kill();
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
  }

  bool IsThere(const Doomed& room) const {
    v1::GetRoomRequest request;
    request.set_room_id(room.room_id);
    const auto reply = client_->GetRoom(request);
    EXPECT_TRUE(reply.ok() || ReasonOf(reply.status) == "ROOM_NOT_FOUND");
    v1::ResolveAliasRequest alias;
    alias.set_alias(AliasOf(room));
    EXPECT_EQ(client_->ResolveAlias(alias).ok(), reply.ok()) << "by half";
    return reply.ok();
  }

  std::string ServerLog() const {
    std::ifstream log(dir_.File("server.log"));
    return {std::istreambuf_iterator<char>(log), {}};
  }

  void AwaitPurge(const std::vector<Doomed>& rooms) const {
    DirectoryWatch logs(dir_.path());
    for (const Doomed& room : rooms) {
      while (!absl::StrContains(ServerLog(), absl::StrCat(room.room_id, " is purged"))) {
        logs.Await();
      }
    }
  }

  // The keys of the store that have the id of one of the rooms in them. No server may run.
  std::vector<std::string> KeysOf(const std::vector<Doomed>& rooms) const {
    storage::RocksDbOptions options;
    options.path = dir_.File("data");
    auto engine = storage::OpenRocksDb(std::move(options));
    EXPECT_TRUE(engine.ok()) << engine.status();
    std::vector<std::string> found;
    const auto visit = [&](absl::string_view key, absl::string_view, storage::Revision) {
      for (const Doomed& room : rooms) {
        if (absl::StrContains(key, room.room_id)) found.emplace_back(key);
      }
      return true;
    };
    EXPECT_TRUE((*engine)->NewSnapshot()->Scan("\x01", "\xff", visit).ok());
    return found;
  }

  TempDir dir_;
  std::string address_;
  std::unique_ptr<ChildProcess> server_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(DeleteCrashTest, WhatIsDeletedIsGoneForGoodAndWholly) {
  int unanswered = 0;
  for (int round = 0; round < kDeleteKills; ++round) {
    Start();
    std::vector<Doomed> rooms = NewRooms(round);
    KillDuringDeletions(rooms);
    Start();
    std::vector<Doomed> gone;
    for (const Doomed& room : rooms) {
      const bool is_there = IsThere(room);
      EXPECT_FALSE(room.is_acknowledged && is_there) << "a deletion that was acknowledged is lost";
      EXPECT_TRUE(is_there || room.is_acknowledged || room.is_unanswered) << "nobody deleted it";
      if (room.is_unanswered) ++unanswered;
      if (!is_there || room.is_unanswered) {
        EXPECT_TRUE(client_->DeleteRoom(DeletionOf(room)).ok()) << "the same request";
        EXPECT_FALSE(IsThere(room));
        gone.push_back(room);
      }
    }
    EXPECT_GE(gone.size(), size_t{kEnough});
    EXPECT_LT(gone.size(), rooms.size()) << "the kill came too late to prove anything";
    AwaitPurge(gone);
    Kill();
    EXPECT_THAT(KeysOf(gone), testing::IsEmpty());
  }
  EXPECT_GT(unanswered, 0);
}

}  // namespace
}  // namespace innkeeper
