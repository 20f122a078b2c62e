#include "server/state/state_content.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "server/errors/errors.h"

namespace innkeeper::state {
namespace {

// What is wrong with a content, first of all; "" if nothing is.
std::string Complaint(absl::string_view type, absl::string_view content) {
  FieldErrors errors;
  CheckStateContent(type, rooms::ParseJson(content).value(), "example.org:8448", errors);
  return std::string(errors.ToStatus().message());
}

bool IsAbout(const std::string& complaint, absl::string_view field) {
  return absl::StartsWith(complaint, std::string(field) + ": ");
}

TEST(StateContentTest, TypesThatHaveMethodsOfTheirOwnSayWhich) {
  const auto complaint = [](absl::string_view type) {
    FieldErrors errors;
    CheckSettableType(type, errors);
    return std::string(errors.ToStatus().message());
  };
  EXPECT_TRUE(IsAbout(complaint(""), "type"));
  EXPECT_TRUE(IsAbout(complaint("m.room.create"), "type"));
  EXPECT_TRUE(absl::StrContains(complaint("m.room.member"), "RoomMembership"));
  EXPECT_TRUE(absl::StrContains(complaint("m.room.tombstone"), "UpgradeRoom"));
  EXPECT_TRUE(absl::StrContains(complaint("m.room.redaction"), "RedactEvent"));
  EXPECT_TRUE(absl::StrContains(complaint("m.room.aliases"), "RoomDirectory"));
  EXPECT_TRUE(IsAbout(complaint(std::string(256, 't')), "type"));
  EXPECT_EQ(complaint(std::string(255, 't')), "");
  EXPECT_EQ(complaint("m.room.name"), "");
}

TEST(StateContentTest, NumbersAndNestingMustBeCanonical) {
  FieldErrors errors;
  CheckStateContent("org.example.x", {{"a", {{"b", 0.5}}}}, "example.org", errors);
  EXPECT_TRUE(IsAbout(std::string(errors.ToStatus().message()), "content.a.b"));
}

TEST(StateContentTest, PowerLevelsMustBeIntegersOfUsers) {
  EXPECT_EQ(Complaint("m.room.power_levels", R"({"users": {"@a:b": 1}})"), "");
  EXPECT_TRUE(IsAbout(Complaint("m.room.power_levels", R"({"ban": "50"})"), "content.ban"));
  EXPECT_TRUE(
      IsAbout(Complaint("m.room.power_levels", R"({"users": {"a": 1}})"), "content.users.a"));
}

TEST(StateContentTest, EventsHaveWhatOthersCountOn) {
  EXPECT_EQ(Complaint("m.room.name", R"({"name": ""})"), "");
  EXPECT_TRUE(IsAbout(Complaint("m.room.name", "{}"), "content.name"));
  EXPECT_TRUE(IsAbout(Complaint("org.example.x", R"({"m.mentions": 5})"), "content.m.mentions"));
}

TEST(StateContentTest, EncryptionNeedsAnAlgorithm) {
  EXPECT_EQ(Complaint("m.room.encryption", R"({"algorithm": "m.megolm.v1.aes-sha2"})"), "");
  for (const std::string content : {"{}", R"({"algorithm": ""})", R"({"algorithm": 1})"}) {
    EXPECT_TRUE(IsAbout(Complaint("m.room.encryption", content), "content.algorithm")) << content;
  }
}

TEST(StateContentTest, AServerAclKeepsThisServerIn) {
  EXPECT_EQ(Complaint("m.room.server_acl", R"({"allow": ["*"], "deny": ["evil.*"]})"), "");
  EXPECT_TRUE(IsAbout(Complaint("m.room.server_acl", "{}"), "content"));
  EXPECT_TRUE(
      IsAbout(Complaint("m.room.server_acl", R"({"allow": ["*"], "deny": ["*.org"]})"), "content"));
}

TEST(StateContentTest, AliasesMustBeAliases) {
  const std::string type = "m.room.canonical_alias";
  EXPECT_EQ(Complaint(type, "{}"), "");
  EXPECT_EQ(Complaint(type, R"({"alias": null})"), "");
  EXPECT_EQ(Complaint(type, R"({"alias": "", "alt_aliases": ["#a:b"]})"), "");
  EXPECT_TRUE(IsAbout(Complaint(type, R"({"alias": "a"})"), "content.alias"));
  EXPECT_TRUE(IsAbout(Complaint(type, R"({"alias": 1})"), "content.alias"));
  EXPECT_TRUE(IsAbout(Complaint(type, R"({"alt_aliases": "#a:b"})"), "content.alt_aliases"));
  EXPECT_TRUE(
      IsAbout(Complaint(type, R"({"alt_aliases": ["#a:b", ""]})"), "content.alt_aliases[1]"));
}

}  // namespace
}  // namespace innkeeper::state
