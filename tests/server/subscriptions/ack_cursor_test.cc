#include "server/subscriptions/ack_cursor.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>

#include "server/base/signed_token.h"
#include "server/errors/errors.h"

namespace innkeeper::subscriptions {
namespace {

constexpr uint64_t kSubscription = 77;
constexpr ConsumerNumber kConsumer = 0xfedcba9876543210;

class AckCursorTest : public testing::Test {
 protected:
  std::string CauseOf(const std::string& cursor) {
    const auto ordinal = DecodeAckCursor(signer_, cursor, kSubscription, kConsumer);
    EXPECT_EQ(ReasonOf(ordinal.status()), v1::ERROR_REASON_CURSOR_INVALID);
    return MetadataOf(ordinal.status(), "cause");
  }

  const TokenSigner signer_{"key"};
};

TEST_F(AckCursorTest, NamesAMessage) {
  for (const Ordinal ordinal : {Ordinal{1}, std::numeric_limits<Ordinal>::max()}) {
    const std::string cursor = EncodeAckCursor(signer_, kSubscription, kConsumer, ordinal);
    const auto decoded = DecodeAckCursor(signer_, cursor, kSubscription, kConsumer);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, ordinal);
  }
}

TEST_F(AckCursorTest, IsOfOneSubscriptionAndConsumer) {
  EXPECT_EQ(CauseOf(EncodeAckCursor(signer_, kSubscription + 1, kConsumer, 1)),
            "other-subscription");
  EXPECT_EQ(CauseOf(EncodeAckCursor(signer_, kSubscription, kConsumer + 1, 1)), "other-consumer");
  EXPECT_EQ(CauseOf(EncodeAckCursor(TokenSigner("other"), kSubscription, kConsumer, 1)), "damaged");
  EXPECT_EQ(CauseOf(""), "damaged");
  EXPECT_EQ(CauseOf(signer_.Sign("cursor", "x")), "damaged");
}

TEST(ConsumerIdTest, NamesAConsumer) {
  for (const ConsumerNumber number : {ConsumerNumber{0}, ConsumerNumber{255}, kConsumer}) {
    EXPECT_EQ(ParseConsumerId(ConsumerId(number)), number);
  }
  for (const std::string wrong : {"", "ff", "00000000000000fF", "x0000000000000ff",
                                  "0x000000000000ff", "000000000000000ff"}) {
    EXPECT_EQ(ParseConsumerId(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace innkeeper::subscriptions
