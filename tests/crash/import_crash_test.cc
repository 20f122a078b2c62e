// Kills a server while it imports a room that takes many commits, early, late and in
// between, and checks that after the next start nothing of the room is there, and that
// it can be imported then.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/child_process.h"
#include "tests/support/directory_watch.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr int kImportKills = 5;
constexpr int kNotes = 900;

// A room that takes some megabytes, exported from a server of its own.
ExportedRoom LargeRoom() {
  const TestServer server;
  const TestClient client(server.address(), TestToken("admin"));
  v1::CreateRoomRequest create = RoomRequest(kAlice);
  for (int i = 0; i < kNotes; ++i) {
    v1::InitialStateEvent& event = *create.add_initial_state();
    event.set_type("org.example.note");
    event.set_state_key(absl::StrCat(i));
    (*event.mutable_content()->mutable_fields())["text"].set_string_value(std::string(3000, 'n'));
  }
  v1::ExportRoomRequest request;
  request.set_room_id(client.Create(create).room_id());
  return client.ExportRoom(request);
}

// A server process on a store of its own, which can be killed and started again.
class ImportCrashTest : public testing::Test {
 protected:
  ImportCrashTest() { dir_.Write("tokens.json", TestTokenFile()); }

  void Start() {
    server_ = std::make_unique<ChildProcess>(
        INNKEEPER_SERVER,
        std::vector<std::string>{"--listen_address=127.0.0.1:0", "--server_name=elsewhere.net",
                                 "--instance_name=crash",
                                 absl::StrCat("--data_dir=", dir_.File("data")),
                                 absl::StrCat("--tokens_file=", dir_.File("tokens.json"))},
        dir_.File("server.log"));
    const auto address = ReadReadyAddress(*server_);
    ASSERT_TRUE(address.has_value());
    client_ = std::make_unique<TestClient>(*address, TestToken("admin"));
  }

  void Kill() {
    server_->Signal(SIGKILL);
    server_->Wait();
  }

  Reply<v1::ImportRoomResponse> Import() const {
    return client_->ImportRoom(ImportRequests(room_));
  }

  // How much the store has on the disk.
  uintmax_t StoredBytes() const {
    uintmax_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.File("data"))) {
      std::error_code gone;
      const uintmax_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
      if (!gone) bytes += size;
    }
    return bytes;
  }

  // Kills the server once an import has written that much. False if the import ended before.
  bool KillDuringImport(uintmax_t written_bytes) {
    const uintmax_t before = StoredBytes();
    DirectoryWatch store(dir_.File("data"));
    std::atomic<bool> over = false;
    bool succeeded = false;
    std::thread importer([&] {
      succeeded = Import().ok();
      over = true;
      store.Wake();
    });
    while (!over && StoredBytes() < before + written_bytes) store.Await();
    Kill();
    importer.join();
    return !succeeded;
  }

  void ExpectNothing() const {
    v1::GetRoomRequest get;
    get.set_room_id(room_.header.room_id());
    EXPECT_EQ(ReasonOf(client_->GetRoom(get).status), "ROOM_NOT_FOUND");
    EXPECT_EQ(client_->ListRooms({}).response.rooms_size(), 0);
    v1::ListUserRoomsRequest list;
    list.set_user_id(kAlice);
    EXPECT_EQ(client_->ListUserRooms(list).response.rooms_size(), 0);
    EXPECT_THAT(client_->AllEvents(), IsEmpty());
  }

  std::string ServerLog() const {
    std::ifstream log(dir_.File("server.log"));
    return {std::istreambuf_iterator<char>(log), {}};
  }

  TempDir dir_;
  const ExportedRoom room_ = LargeRoom();
  std::unique_ptr<ChildProcess> server_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(ImportCrashTest, WhatAKilledServerHasWrittenOfARoomIsGone) {
  ASSERT_TRUE(room_.status.ok());
  Start();
  const uintmax_t empty_bytes = StoredBytes();
  ASSERT_TRUE(Import().ok());
  const uintmax_t room_bytes = StoredBytes() - empty_bytes;
  Kill();
  std::filesystem::remove_all(dir_.File("data"));

  int kills = 0;
  for (int round = 0; kills < kImportKills; ++round) {
    ASSERT_LT(round, 4 * kImportKills) << "imports end before they can be interrupted";
    Start();
    ExpectNothing();
    if (KillDuringImport(room_bytes * (kills + 1) / (kImportKills + 1))) {
      ++kills;
    } else {
      std::filesystem::remove_all(dir_.File("data"));
    }
  }
  Start();
  ExpectNothing();
  const auto imported = Import();
  ASSERT_TRUE(imported.ok()) << imported.status.error_message();
  EXPECT_EQ(imported.response.event_count(), room_.header.event_count());
  v1::ExportRoomRequest request;
  request.set_room_id(room_.header.room_id());
  EXPECT_EQ(client_->ExportRoom(request).pdus, room_.pdus);
  Kill();
  const std::vector<std::string> discards = absl::StrSplit(ServerLog(), "its import did not end");
  EXPECT_THAT(discards, SizeIs(1 + kImportKills)) << "each kill left something to discard";
}

}  // namespace
}  // namespace innkeeper
