#include "server/feed/cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "server/base/numbered_token.h"
#include "server/errors/errors.h"

namespace innkeeper::feed {
namespace {

constexpr uint64_t kOld = 0x1122334455667788;
constexpr uint64_t kCurrent = 0x99AABBCCDDEEFF00;
constexpr uint64_t kFilter = 0xFEDCBA9876543210;
constexpr storage::LogBounds kBounds = {.oldest = 10, .head = 1'000'000};
// The log was put back to position 1,000 and written on.
const std::vector<storage::LogEpoch> kEpochs = {{kOld, 0}, {kCurrent, 1001}};

CursorCodec::EpochsSource Fixed(std::vector<storage::LogEpoch> epochs) {
  return [fixed = std::make_shared<storage::LogEpochs>(std::move(epochs))] { return fixed; };
}

template <typename Detail>
Detail DetailOf(const absl::Status& status) {
  Detail detail;
  const auto payload =
      status.GetPayload(absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name()));
  EXPECT_TRUE(payload && detail.ParseFromString(std::string(*payload))) << status;
  return detail;
}

class CursorTest : public testing::Test {
 protected:
  void ExpectInvalid(const std::string& cursor, const std::string& cause) {
    const absl::Status status = codec_.Decode(cursor, kFilter, kBounds).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << cursor;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CURSOR_INVALID) << cursor;
    EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).metadata().at("cause"), cause) << cursor;
    const auto bad_request = DetailOf<google::rpc::BadRequest>(status);
    ASSERT_EQ(bad_request.field_violations_size(), 1);
    EXPECT_EQ(bad_request.field_violations(0).field(), "after_cursor");
  }

  const TokenSigner signer_{"a key of this service"};
  const CursorCodec codec_{signer_, Fixed(kEpochs)};
};

TEST_F(CursorTest, GivesThePositionBack) {
  for (storage::LogPosition position : {9, 10, 255, 256, 1000, 1001, 65536, 1'000'000}) {
    EXPECT_EQ(codec_.Decode(codec_.Encode(position, kFilter), kFilter, kBounds).value(), position);
  }
}

TEST_F(CursorTest, IsAsLongAsDocumented) {
  EXPECT_EQ(codec_.Encode(0, 0).size(), 55u);
  const auto max = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(codec_.Encode(max, max).size(), 55u);
}

TEST_F(CursorTest, RefusesEveryAlteration) {
  const std::string cursor = codec_.Encode(500, kFilter);
  for (size_t i = 0; i < cursor.size(); ++i) {
    std::string altered = cursor;
    altered[i] = altered[i] == 'A' ? 'Q' : 'A';
    ExpectInvalid(altered, "damaged");
  }
  ExpectInvalid("", "damaged");
  ExpectInvalid("hello", "damaged");
  ExpectInvalid(cursor.substr(0, cursor.size() - 2), "damaged");
  ExpectInvalid(cursor + "AA", "damaged");
}

TEST_F(CursorTest, RefusesCursorsOfOtherServices) {
  const TokenSigner other("a key of another service");
  ExpectInvalid(CursorCodec(other, Fixed(kEpochs)).Encode(500, kFilter), "damaged");
}

TEST_F(CursorTest, RefusesTokensOfOtherPurposesAndVersions) {
  const NumberedToken token =
      VerifyNumberedToken(signer_, "cursor", codec_.Encode(500, kFilter)).value();
  const auto sign = [&](absl::string_view purpose, const std::string& context) {
    return NumberedTokens(signer_, purpose, context).Sign({token.number});
  };
  EXPECT_TRUE(codec_.Decode(sign("cursor", token.context), kFilter, kBounds).ok());
  ExpectInvalid(sign("page", token.context), "damaged");
  ExpectInvalid(sign("cursor", absl::StrCat("\x01", token.context.substr(1))), "damaged");
  ExpectInvalid(sign("cursor", token.context + "x"), "damaged");
}

TEST_F(CursorTest, EncodesManyAsOneByOne) {
  const std::vector<storage::LogPosition> positions = {9, 10, 500, 1000, 1001, 1'000'000};
  std::string one_by_one;
  for (storage::LogPosition position : positions) one_by_one += codec_.Encode(position, kFilter);
  EXPECT_EQ(codec_.EncodeAll(positions, kFilter), one_by_one);
  EXPECT_EQ(one_by_one.size(), positions.size() * kCursorSize);
}

TEST_F(CursorTest, RefusesCursorsOfEpochsThatTheLogDoesNotKnow) {
  ExpectInvalid(CursorCodec(signer_, Fixed({{kOld + 1, 0}})).Encode(500, kFilter), "other-log");
}

TEST_F(CursorTest, GoesOnWithACursorFromBeforeTheLogWasPutBack) {
  const CursorCodec before(signer_, Fixed({{kOld, 0}}));
  for (storage::LogPosition position : {9, 999, 1000}) {
    const std::string cursor = before.Encode(position, kFilter);
    EXPECT_EQ(codec_.Decode(cursor, kFilter, kBounds).value(), position);
    EXPECT_EQ(cursor, codec_.Encode(position, kFilter));
  }
}

TEST_F(CursorTest, RefusesCursorsBehindWhereTheLogWasPutBackTo) {
  const CursorCodec before(signer_, Fixed({{kOld, 0}}));
  for (storage::LogPosition position : {1001, 5000, 2'000'000}) {
    const std::string cursor = before.Encode(position, kFilter);
    ExpectInvalid(cursor, "lost");
    const std::string common =
        DetailOf<google::rpc::ErrorInfo>(codec_.Decode(cursor, kFilter, kBounds).status())
            .metadata()
            .at("common_cursor");
    EXPECT_EQ(codec_.Decode(common, kFilter, kBounds).value(), 1000u);
  }
}

TEST_F(CursorTest, RefusesCursorsOfOtherFilters) {
  ExpectInvalid(codec_.Encode(500, kFilter + 1), "other-filter");
}

TEST_F(CursorTest, RefusesCursorsBeyondTheHead) {
  const std::string cursor = codec_.Encode(1'000'001, kFilter);
  ExpectInvalid(cursor, "lost");
  const std::string common =
      DetailOf<google::rpc::ErrorInfo>(codec_.Decode(cursor, kFilter, kBounds).status())
          .metadata()
          .at("common_cursor");
  EXPECT_EQ(codec_.Decode(common, kFilter, kBounds).value(), 1'000'000u);
}

TEST_F(CursorTest, OtherLogIsToldBeforeAnythingElse) {
  ExpectInvalid(CursorCodec(signer_, Fixed({{kOld + 1, 0}})).Encode(5'000'000, kFilter + 1),
                "other-log");
}

TEST_F(CursorTest, GoneHistoryNamesTheOldestCursor) {
  const absl::Status status = codec_.Decode(codec_.Encode(8, kFilter), kFilter, kBounds).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_EVENT_HISTORY_GONE);
  const std::string oldest =
      DetailOf<google::rpc::ErrorInfo>(status).metadata().at("oldest_cursor");
  EXPECT_EQ(codec_.Decode(oldest, kFilter, kBounds).value(), 9u);
}

TEST_F(CursorTest, HeadOfAnEmptiedLogIsNotGone) {
  const storage::LogBounds emptied = {.oldest = 51, .head = 50};
  EXPECT_EQ(codec_.Decode(codec_.Encode(50, kFilter), kFilter, emptied).value(), 50u);
  EXPECT_FALSE(codec_.Decode(codec_.Encode(49, kFilter), kFilter, emptied).ok());
}

}  // namespace
}  // namespace innkeeper::feed
