// How rooms are found: aliases and the list of public rooms, over gRPC.

#include <string>

#include "tests/e2e/e2e_test.h"

namespace innkeeper {
namespace {

class DirectoryTest : public E2eTest {
 protected:
  static v1::SetAliasRequest SetRequest(const std::string& alias, const std::string& room_id,
                                        const std::string& requester) {
    v1::SetAliasRequest request;
    request.set_alias(alias);
    request.set_room_id(room_id);
    request.set_requester(requester);
    return request;
  }

  // The room that an alias points at; "" if there is no such alias.
  static std::string Resolve(const std::string& alias, const TestClient& client = watcher()) {
    v1::ResolveAliasRequest request;
    request.set_alias(alias);
    return client.ResolveAlias(request).response.room_id();
  }

  // A room of the test's alice.
  static v1::Room MakeRoom() { return backend().Create(RoomRequest(User("alice"))); }
};

TEST_F(DirectoryTest, AnAliasThatIsSetLeadsEverybodyToItsRoom) {
  const v1::Room room = MakeRoom();
  ASSERT_EQ(Resolve(Alias("lobby")), "");
  const auto reply = backend().SetAlias(SetRequest(Alias("lobby"), room.room_id(), User("alice")));
  ASSERT_TRUE(reply.ok()) << reply.status.error_message();
  EXPECT_EQ(Resolve(Alias("lobby")), room.room_id());
}

}  // namespace
}  // namespace innkeeper
