#include "server/values/struct_json.h"

#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/util/message_differencer.h"

namespace innkeeper {
namespace {

using google::protobuf::Struct;
using rooms::Json;

Struct Nested(int levels) {
  Struct innermost;
  for (int i = 0; i < levels - 1; ++i) {
    Struct outer;
    *(*outer.mutable_fields())["x"].mutable_struct_value() = std::move(innermost);
    innermost = std::move(outer);
  }
  return innermost;
}

TEST(StructJsonTest, ConvertsEveryKindBothWays) {
  const Json json = {{"string", "text"},
                     {"integer", 42},
                     {"negative", -7},
                     {"true", true},
                     {"null", nullptr},
                     {"list", {1, "two", {3}}},
                     {"object", {{"a", 1}}},
                     {"empty list", Json::array()},
                     {"empty object", Json::object()},
                     {"largest", rooms::kMaxCanonicalInteger}};
  Struct proto;
  JsonToStruct(json, &proto);
  EXPECT_EQ(JsonFromStruct(proto), json);
}

TEST(StructJsonTest, WholeNumbersBecomeIntegersAndOthersAreRefusedLater) {
  Struct proto;
  (*proto.mutable_fields())["whole"].set_number_value(50);
  (*proto.mutable_fields())["fraction"].set_number_value(0.5);
  (*proto.mutable_fields())["huge"].set_number_value(1e300);
  (*proto.mutable_fields())["minus zero"].set_number_value(-0.0);
  const Json json = JsonFromStruct(proto);
  EXPECT_TRUE(json["whole"].is_number_integer());
  EXPECT_EQ(json["minus zero"].dump(), "0");
  EXPECT_TRUE(json["fraction"].is_number_float());
  EXPECT_FALSE(rooms::CheckCanonical({{"x", json["fraction"]}}, "f").ok());
  EXPECT_FALSE(rooms::CheckCanonical({{"x", json["huge"]}}, "f").ok());
}

TEST(StructJsonTest, NumbersOfOldRoomVersionsAreShownAsNearAsTheyCanBe) {
  const Json json = rooms::ParseJson(R"({"fraction": -0.5, "huge": 18446744073709551615})",
                                     rooms::JsonNumbers::kAny)
                        .value();
  Struct proto;
  JsonToStruct(json, &proto);
  EXPECT_EQ(proto.fields().at("fraction").number_value(), -0.5);
  EXPECT_EQ(proto.fields().at("huge").number_value(), 18446744073709551615.0);
}

TEST(StructJsonTest, WhatIsTooDeepIsSeenToBe) {
  EXPECT_TRUE(rooms::CheckCanonical(JsonFromStruct(Nested(rooms::kMaxGivenDepth)), "f").ok());
  EXPECT_FALSE(rooms::CheckCanonical(JsonFromStruct(Nested(rooms::kMaxGivenDepth + 1)), "f").ok());
  EXPECT_FALSE(rooms::CheckCanonical(JsonFromStruct(Nested(150)), "f").ok());
}

}  // namespace
}  // namespace innkeeper
