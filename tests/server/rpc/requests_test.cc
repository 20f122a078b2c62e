#include "server/rpc/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/server/rooms/violations.h"

namespace innkeeper::rpc {
namespace {

using testing::ElementsAre;

TEST(UpgradeRoomRequestTest, NoVersionIsLongerThanVersionsCanBe) {
  v1::UpgradeRoomRequest request;
  request.set_room_id("!room:example.org");
  request.set_requester("@alice:example.org");
  request.set_new_version(std::string(32, 'v'));
  EXPECT_TRUE(ToCommand(request, "backend").ok()) << "whether it is supported is said later";
  request.set_new_version(std::string(33, 'v'));
  EXPECT_THAT(rooms::ViolatedFields(ToCommand(request, "backend").status()),
              ElementsAre("new_version"));
}

}  // namespace
}  // namespace innkeeper::rpc
