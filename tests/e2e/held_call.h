// File: tests/e2e/held_call.h
//
// Calls that stop half-way until a test lets them go on.

#ifndef INNKEEPER_TESTS_E2E_HELD_CALL_H_
#define INNKEEPER_TESTS_E2E_HELD_CALL_H_

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/base/random.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper {

// A server of which one call can be held between what it read and what it commits, an
// upgrade with the lock of its room: there the bytes are drawn that tell a new room from
// others. Its clock is as many seconds ahead as a test has it.
class HeldCallTest : public testing::Test {
 protected:
  void TearDown() override {
    if (!let_go_.HasBeenNotified()) LetGo();
  }

  // Runs `call`, which makes the call, on a thread of its own, and returns once it is
  // held. Once in a test, with nothing else being written.
  template <typename Call>
  void Hold(Call call) {
    armed_ = true;
    caller_ = std::thread(std::move(call));
    held_.WaitForNotification();
  }

  // Holds an upgrade. Its outcome is in `upgraded_` after LetGo().
  void HoldUpgrade(const v1::UpgradeRoomRequest& request) {
    Hold([this, request] { upgraded_ = client_->UpgradeRoom(request); });
  }

  // Waits for the caller of the held call, who has given up.
  void WaitForCaller() { caller_.join(); }

  // Has the held call go on, and waits for its caller.
  void LetGo() {
    let_go_.Notify();
    if (caller_.joinable()) WaitForCaller();
  }

  Server::Surroundings Surroundings() {
    Server::Surroundings surroundings;
    surroundings.clock = [this] { return absl::Now() + absl::Seconds(skew_seconds_.load()); };
    surroundings.random = [this, random = SecureRandom()](size_t count) {
      if (count == kNonceBytes && armed_.exchange(false)) {
        held_.Notify();
        let_go_.WaitForNotification();
      }
      return random(count);
    };
    return surroundings;
  }

  static constexpr size_t kNonceBytes = 32;

  std::atomic<bool> armed_ = false;
  std::atomic<int64_t> skew_seconds_ = 0;
  absl::Notification held_;
  absl::Notification let_go_;
  TestServer server_{[](ServerConfig& config) { config.write_threads = 4; },
                     [this] { return Surroundings(); }};
  // May do everything.
  const std::unique_ptr<TestClient> client_ =
      std::make_unique<TestClient>(server_.address(), TestToken("admin"));
  Reply<v1::UpgradeRoomResponse> upgraded_;
  std::thread caller_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_E2E_HELD_CALL_H_
