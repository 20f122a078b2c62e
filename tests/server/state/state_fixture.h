#ifndef INNKEEPER_TESTS_SERVER_STATE_STATE_FIXTURE_H_
#define INNKEEPER_TESTS_SERVER_STATE_STATE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_state.pb.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/transaction.h"
#include "server/rooms/event.h"
#include "server/rooms/json.h"
#include "server/state/room_writer.h"
#include "storage/engine.h"
#include "storage/room_store.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::state {

inline constexpr char kAlice[] = "@alice:example.org";
inline constexpr char kBob[] = "@bob:example.org";

// A store with rooms of kAlice's, and the use cases that write to them. Rooms have as
// many members as a test wants.
class StateFixture : public testing::Test {
 protected:
  StateFixture();

  std::string NewRoom(const std::string& version = "11", const std::string& alias = "");

  // Has a user invited by kAlice and joined.
  void Join(const std::string& room_id, const std::string& user_id);

  // Appends an event past the checks of the use cases.
  absl::Status Append(const std::string& room_id, rooms::EventDraft draft);

  absl::StatusOr<v1::SetStateResponse> Set(const std::string& room_id, const std::string& requester,
                                           const std::string& type, absl::string_view content,
                                           const std::string& state_key = "");
  absl::StatusOr<v1::SendEventResponse> Send(const std::string& room_id,
                                             const std::string& requester,
                                             const std::string& text = "Hello");
  absl::StatusOr<v1::RedactEventResponse> Redact(const std::string& room_id,
                                                 const std::string& requester,
                                                 const std::string& event_id);

  storage::RoomRecord Room(const std::string& room_id) const;
  storage::EventRecord Event(const std::string& room_id, const std::string& event_id) const;
  // The event that stands at a place of the state.
  std::string StandingEvent(const std::string& room_id, const std::string& type,
                            const std::string& state_key = "") const;

  TempDir dir_;
  const std::unique_ptr<storage::Engine> store_;
  storage::HookedEngine engine_;
  const Clock clock_;
  const RandomBytes random_;
  Executor executor_{1, 100};
  lifecycle::Transactor transactor_;
  lifecycle::RoomCreator creator_;
  const RoomWriter writer_;
};

}  // namespace innkeeper::state

#endif  // INNKEEPER_TESTS_SERVER_STATE_STATE_FIXTURE_H_
