#ifndef INNKEEPER_TESTS_SERVER_MEMBERSHIP_MEMBERSHIP_FIXTURE_H_
#define INNKEEPER_TESTS_SERVER_MEMBERSHIP_MEMBERSHIP_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_event.pb.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/base/signed_token.h"
#include "server/errors/errors.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/transaction.h"
#include "server/membership/change_membership.h"
#include "server/membership/read_members.h"
#include "server/rooms/signing.h"
#include "storage/engine.h"
#include "storage/room_store.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::membership {

inline constexpr char kAlice[] = "@alice:example.org";  // makes the rooms
inline constexpr char kAudience[] = "tenant-7";         // of the rooms
inline constexpr char kBob[] = "@bob:example.org";
inline constexpr char kCarol[] = "@carol:example.org";
inline constexpr char kZoe[] = "@zoe:elsewhere.net";

// A store with rooms of kAlice's, the use cases of memberships on it, and a clock that the
// test sets.
class MembershipFixture : public testing::Test {
 protected:
  MembershipFixture();

  // The transactor's last steps are run by the executor.
  ~MembershipFixture() override { executor_.Stop(); }

  // A room of kAlice's with what `change` makes of the plain one.
  std::string NewRoom(absl::FunctionRef<void(rooms::RoomSpec&)> change = [](rooms::RoomSpec&) {});
  // One with this join rule, which lets members of the rooms in `allow` in.
  std::string NewRoomWithRule(const std::string& rule, const std::string& version = "10",
                              const std::vector<std::string>& allow = {});

  // Has `requester` do something to `user`, or for themselves without one.
  absl::Status Do(Action action, const std::string& room, const std::string& requester,
                  const std::string& user = "");
  absl::Status Run(MembershipCommand command);
  // As Do, which must go well.
  void Must(Action action, const std::string& room, const std::string& requester,
            const std::string& user = "");

  // Deletes a room, as another process would; what it leaves is still to be purged.
  void DeleteRoom(const std::string& room_id);

  // What stands in the room's state about a user: the content of the member event.
  rooms::Json Member(const std::string& room_id, const std::string& user) const;
  int64_t Revision(const std::string& room_id) const;

  // The events of the log, oldest first.
  std::vector<v1::RoomEvent> Events() const;

  TempDir dir_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  const std::unique_ptr<storage::Engine> store_;
  storage::HookedEngine engine_;
  const Clock clock_;
  const RandomBytes random_;
  Executor executor_{1, 100};
  lifecycle::Transactor transactor_;
  lifecycle::RoomCreator creator_;
  MembershipChanger changer_;
  const TokenSigner signer_{"key"};
  const rooms::SigningKey key_;
  const MemberBrowser browser_;
};

}  // namespace innkeeper::membership

#endif  // INNKEEPER_TESTS_SERVER_MEMBERSHIP_MEMBERSHIP_FIXTURE_H_
