#include "server/config/values.h"

#include <gtest/gtest.h>

#include <limits>

namespace innkeeper {
namespace {

TEST(ValuesTest, ByteSizesHaveBinaryUnits) {
  EXPECT_EQ(ParseByteSize("0"), 0);
  EXPECT_EQ(ParseByteSize("4097"), 4097);
  EXPECT_EQ(ParseByteSize("16KiB"), 16 * 1024);
  EXPECT_EQ(ParseByteSize("64 MiB"), 64 << 20);
  EXPECT_EQ(ParseByteSize("3GiB"), int64_t{3} << 30);
  EXPECT_EQ(ParseByteSize("8589934591GiB"), int64_t{8'589'934'591} << 30);
}

TEST(ValuesTest, RefusesOtherByteSizes) {
  for (const char* text : {"", "MiB", "-1", "-1KiB", "1.5GiB", "1MB", "1mib", "1 M", "4k",
                           "8589934592GiB", "9223372036854775808", "64MiB x"}) {
    EXPECT_FALSE(ParseByteSize(text)) << text;
  }
}

TEST(ValuesTest, FormatsByteSizesInTheLargestUnitThatFits) {
  EXPECT_EQ(FormatByteSize(0), "0");
  EXPECT_EQ(FormatByteSize(1025), "1025");
  EXPECT_EQ(FormatByteSize(1536 << 10), "1536KiB");
  EXPECT_EQ(FormatByteSize(int64_t{1} << 40), "1024GiB");
}

TEST(ValuesTest, FlagsAreTrueOrFalse) {
  EXPECT_EQ(ParseFlag("true"), true);
  EXPECT_EQ(ParseFlag("false"), false);
  for (const char* text : {"", "1", "yes", "True", "true "}) EXPECT_FALSE(ParseFlag(text)) << text;
}

TEST(ValuesTest, IntegersAreDecimalAndFit) {
  EXPECT_EQ(ParseInteger("-12"), -12);
  EXPECT_EQ(ParseInteger("2147483647"), std::numeric_limits<int>::max());
  for (const char* text : {"", "2147483648", "1.0", "0x10", "ten"}) {
    EXPECT_FALSE(ParseInteger(text)) << text;
  }
}

TEST(ValuesTest, NumbersAreFinite) {
  EXPECT_EQ(ParseNumber("0.016"), 0.016);
  EXPECT_EQ(ParseNumber("1e3"), 1000);
  for (const char* text : {"", "nan", "inf", "1e999", "1/60", "0.1/s"}) {
    EXPECT_FALSE(ParseNumber(text)) << text;
  }
  EXPECT_EQ(FormatNumber(0.016), "0.016");
  EXPECT_EQ(FormatNumber(1'000'000), "1000000");
}

TEST(ValuesTest, DurationsHaveUnits) {
  EXPECT_EQ(ParseDurationText("1h30m"), absl::Minutes(90));
  EXPECT_EQ(ParseDurationText("0"), absl::ZeroDuration());
  for (const char* text : {"", "30", "1d", "soon"}) EXPECT_FALSE(ParseDurationText(text)) << text;
  EXPECT_EQ(FormatDurationText(absl::Minutes(90)), "1h30m");
}

}  // namespace
}  // namespace innkeeper
