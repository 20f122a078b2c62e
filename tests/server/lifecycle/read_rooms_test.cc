#include "server/lifecycle/read_rooms.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/signed_token.h"
#include "server/lifecycle/paging.h"
#include "tests/server/lifecycle/upgrade_fixture.h"

namespace innkeeper::lifecycle {
namespace {

using RoomBrowserTest = UpgradeFixture;

// Of JSON such as [0,0,0] the API has a message that is five times as long.
TEST_F(RoomBrowserTest, APageOfStateEndsAtAboutOneMebibyteOfTheReply) {
  constexpr int kEvents = 40;
  rooms::RoomSpec spec = Spec();
  for (int i = 0; i < kEvents; ++i) {
    spec.initial_state.push_back({.type = "org.example.numbers",
                                  .state_key = absl::StrCat(i),
                                  .content = {{"numbers", std::vector<int>(30'000)}}});
  }
  v1::GetRoomStateRequest request;
  request.set_room_id(NewRoom(std::move(spec)));
  request.set_type("org.example.numbers");
  const TokenSigner signer("key");
  const RoomBrowser browser(engine_, signer);
  int events = 0;
  do {
    const auto page = browser.GetRoomState(request, AudienceScope::All());
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LT(page->ByteSizeLong(), 3 * kMaxPageBytes / 2);
    events += page->events_size();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(events, kEvents);
}

}  // namespace
}  // namespace innkeeper::lifecycle
