#include "server/lifecycle/request_log.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::lifecycle {
namespace {

using google::protobuf::Struct;

// Imported content may be deeper than what clients parse.
TEST(RequestLogTest, AnswersAreFoundAgainHoweverDeepTheyAre) {
  const TempDir dir;
  const auto engine = storage::OpenTestEngine(dir.File("data"));
  Struct response;
  Struct* at = &response;
  for (int i = 1; i < 64; ++i) at = (*at->mutable_fields())["a"].mutable_struct_value();
  const RequestIdentity identity = {{"backend", "one"}, "fingerprint"};
  storage::RoomCommit commit;
  RecordResponse(commit, identity, response, absl::InfiniteFuture());
  ASSERT_TRUE(CommitAndWait(*engine, commit.Take()).status.ok());

  const auto found = FindResponse<Struct>(storage::RoomReader(*engine), identity);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_TRUE(found->has_value());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(**found, response));
}

}  // namespace
}  // namespace innkeeper::lifecycle
