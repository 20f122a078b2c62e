#include "server/rooms/event_content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/server/rooms/violations.h"

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Problems(absl::string_view type, const std::string& content) {
  return Violations(CheckEventContent(type, Json::parse(content), "content", "example.org"));
}

TEST(EventContentTest, TakesWhatOthersCountOn) {
  EXPECT_THAT(Problems("m.room.name", R"({"name": "", "x": 1})"), IsEmpty());
  EXPECT_THAT(Problems("m.room.topic", R"({"topic": "x"})"), IsEmpty());
  EXPECT_THAT(Problems("m.room.server_acl", R"({"allow": ["*"]})"), IsEmpty());
  EXPECT_THAT(Problems("org.example.x", R"({"name": 5, "m.mentions": {}})"), IsEmpty());
  EXPECT_THAT(
      Problems("x", R"({"m.mentions": {"user_ids": ["@a:b", ""], "room": true, "more": 1}})"),
      IsEmpty());
}

TEST(EventContentTest, NamesAndTopicsHaveTheirText) {
  for (const std::string content : {"{}", R"({"name": null})", R"({"name": 5})"}) {
    EXPECT_THAT(Problems("m.room.name", content), ElementsAre("content.name: must be a string"));
  }
  EXPECT_THAT(Problems("m.room.topic", R"({"topic": []})"),
              ElementsAre("content.topic: must be a string"));
}

TEST(EventContentTest, MessagesHaveTheirKindAndText) {
  EXPECT_THAT(Problems("m.room.message", R"({"msgtype": "m.text", "body": ""})"), IsEmpty());
  EXPECT_THAT(Problems("m.room.message", R"({"body": 5})"),
              ElementsAre("content.msgtype: must be a string", "content.body: must be a string"));
}

TEST(EventContentTest, AnAccessListLetsTheServerInThatMakesIt) {
  for (const std::string content :
       {"{}", R"({"allow": ["elsewhere.net"]})", R"({"allow": ["*"], "deny": ["*.org"]})"}) {
    EXPECT_THAT(Problems("m.room.server_acl", content),
                ElementsAre(HasSubstr("content: must let this server in")));
  }
}

TEST(EventContentTest, MentionsAreUsersAndAFlag) {
  EXPECT_THAT(Problems("x", R"({"m.mentions": 5})"),
              ElementsAre("content.m.mentions: must be an object"));
  EXPECT_THAT(Problems("x", R"({"m.mentions": {"user_ids": "@a:b", "room": 1}})"),
              ElementsAre(HasSubstr("content.m.mentions.user_ids: "),
                          HasSubstr("content.m.mentions.room: ")));
  EXPECT_THAT(Problems("x", R"({"m.mentions": {"user_ids": ["@a:b", 5]}})"),
              ElementsAre(HasSubstr("user_ids")));
}

}  // namespace
}  // namespace innkeeper::rooms
