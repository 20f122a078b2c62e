#include "tests/stream/writers.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/test_server.h"

namespace innkeeper::stream {
namespace {

v1::CreateRoomRequest NewRoom(const std::string& user, int64_t index) {
  v1::CreateRoomRequest request = RoomRequest(user);
  // Each invite of another server's user is an event of its own.
  for (int64_t i = 0; i < index % 3 * 4; ++i) {
    request.add_invites(absl::StrCat("@guest", i, ":remote.example"));
  }
  return request;
}

v1::SendEventRequest Message(const std::string& room_id, const std::string& user) {
  v1::SendEventRequest request;
  request.set_room_id(room_id);
  request.set_requester(user);
  request.set_type("m.room.message");
  (*request.mutable_content()->mutable_fields())["body"].set_string_value("hello");
  (*request.mutable_content()->mutable_fields())["msgtype"].set_string_value("m.text");
  return request;
}

v1::UpgradeRoomRequest Upgrade(const std::string& room_id, const std::string& user) {
  v1::UpgradeRoomRequest request;
  request.set_room_id(room_id);
  request.set_requester(user);
  request.set_new_version("12");
  return request;
}

}  // namespace

Writers::Writers(Options options) : options_(options) {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this, i] { Run(i); });
}

Writers::~Writers() { Stop(); }

void Writers::Connect(const std::string& address) {
  absl::MutexLock lock(&mutex_);
  address_ = address;
}

bool Writers::AwaitWrites(int64_t count, absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto are_there = [this, target = acknowledged_ + count]()
                             ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return acknowledged_ >= target; };
  return mutex_.AwaitWithTimeout(absl::Condition(&are_there), timeout);
}

void Writers::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

int64_t Writers::acknowledged() const {
  absl::MutexLock lock(&mutex_);
  return acknowledged_;
}

void Writers::Run(int index) {
  const std::string user = absl::StrCat("@writer", index, ":", kTestServerName);
  int64_t writes = 0;
  for (std::string address = AwaitAddress(""); !address.empty(); address = AwaitAddress(address)) {
    const TestClient client(address, TestToken("backend"));
    while (AwaitTurn() && Write(client, user, writes)) ++writes;
  }
}

std::string Writers::AwaitAddress(const std::string& tried) {
  const auto is_known = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || address_ != tried;
  };
  absl::MutexLock lock(&mutex_, absl::Condition(&is_known));
  return stopping_ ? "" : address_;
}

bool Writers::AwaitTurn() {
  absl::MutexLock lock(&mutex_);
  if (options_.writes_per_second > 0) {
    const absl::Time turn = std::max(next_turn_, absl::Now());
    next_turn_ = turn + absl::Seconds(1 / options_.writes_per_second);
    mutex_.AwaitWithDeadline(absl::Condition(&stopping_), turn);
  }
  return !stopping_;
}

// A room's life. False if the server went away.
bool Writers::Write(const TestClient& client, const std::string& user, int64_t index) {
  const Reply<v1::CreateRoomResponse> created = client.CreateRoom(NewRoom(user, index));
  if (!Count(created.status)) return false;
  const std::string room_id = created.response.room().room_id();
  for (int i = 0; i < options_.sends_per_room; ++i) {
    if (!AwaitTurn() || !Count(client.SendEvent(Message(room_id, user)).status)) return false;
  }
  return index % 2 == 0 || Count(client.UpgradeRoom(Upgrade(room_id, user)).status);
}

bool Writers::Count(const grpc::Status& status) {
  const bool is_gone =
      !status.ok() && (ReasonOf(status).empty() || ReasonOf(status) == "SHUTTING_DOWN");
  CHECK(status.ok() || is_gone) << status.error_message();
  if (is_gone) return false;
  absl::MutexLock lock(&mutex_);
  ++acknowledged_;
  return true;
}

}  // namespace innkeeper::stream
