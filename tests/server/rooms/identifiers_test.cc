#include "server/rooms/identifiers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace innkeeper::rooms {
namespace {

using testing::HasSubstr;

struct Wrong {
  std::string identifier;
  std::string phrase;
};

using CheckFunction = absl::Status (*)(absl::string_view);

void ExpectTaken(CheckFunction check, const std::vector<std::string>& identifiers) {
  for (const std::string& identifier : identifiers) {
    EXPECT_TRUE(check(identifier).ok()) << identifier << ": " << check(identifier);
  }
}

void ExpectRefused(CheckFunction check, const std::vector<Wrong>& wrongs) {
  for (const auto& [identifier, phrase] : wrongs) {
    const absl::Status status = check(identifier);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << identifier;
    EXPECT_THAT(std::string(status.message()), HasSubstr(phrase)) << identifier;
  }
}

// `sigil`, then as much as it takes for `length` bytes with the server name.
std::string OfLength(const std::string& sigil, size_t length) {
  const std::string server = ":example.org";
  return absl::StrCat(sigil, std::string(length - sigil.size() - server.size(), 'x'), server);
}

TEST(IdentifiersTest, ServerNames) {
  ExpectTaken(CheckServerName,
              {"a", "1", "localhost", "example.org", "Example.ORG", "matrix.org:8448", "1.2.3.4",
               "1.2.3.4:1", "[::1]", "[1234:5678::abcd]:5678", "xn--bcher-kva.example:99999",
               std::string(255, 'a')});
  for (const std::string wrong : {"", ":", ":80", "example.org:", "example.org:123456",
                                  "example.org:80x", "exa mple", "exämple", "under_score", "[::1",
                                  "[]", "[:]", "[::g]", "[::1]x", "[::1]:", "a:b:1", "a/b"}) {
    EXPECT_FALSE(CheckServerName(wrong).ok()) << wrong;
  }
  ExpectRefused(CheckServerName, {{std::string(256, 'a'), "at most 255 bytes"}});
}

TEST(IdentifiersTest, UserIds) {
  ExpectTaken(CheckUserId, {"@alice:example.org", "@:example.org", "@Alice Ünïcode:[::1]:80",
                            "@a:1", "@a@b#c!d:x", OfLength("@", 255)});
  ExpectRefused(CheckUserId, {{"", "must not be empty"},
                              {"alice:example.org", "must start with '@'"},
                              {"@alice", "':'"},
                              {"@alice:", "valid server name"},
                              {"@alice:example.org:80:1", "valid server name"},
                              {std::string("@al\0ice:example.org", 19), "NUL"},
                              {"@al\xFFice:example.org", "UTF-8"},
                              {OfLength("@", 256), "at most 255 bytes"}});
}

TEST(IdentifiersTest, RoomIds) {
  ExpectTaken(CheckRoomId, {"!localpart:domain", "!uXDCzlYgCTHtiWCkEx:domain.org:80", "!a:1",
                            "!sSsp4EyaZQx79eZbP0XCPWODnf59hLuJ-3ot0UDCjcQ", OfLength("!", 255)});
  ExpectRefused(CheckRoomId, {{"", "must not be empty"},
                              {"localpart:domain", "must start with '!'"},
                              {"!localpart", "':'"},
                              {"!:domain", "between '!' and ':'"},
                              {"!localpart:", "valid server name"},
                              {"!", "':'"},
                              {":domain/", "must start with '!'"},
                              {"!sSsp4EyaZQx79eZbP0XCPWODnf59hLuJ-3ot0UDCjc", "':'"},
                              {"!sSsp4EyaZQx79eZbP0XCPWODnf59hLuJ+3ot0UDCjcQ", "':'"},
                              {OfLength("!", 256), "at most 255 bytes"}});
}

TEST(IdentifiersTest, RoomAliases) {
  ExpectTaken(CheckRoomAlias,
              {"#lobby:example.org", "#Café-1.2/3:example.org", OfLength("#", 255)});
  ExpectRefused(CheckRoomAlias, {{"", "must not be empty"},
                                 {"lobby", "must start with '#'"},
                                 {"#lobby", "':'"},
                                 {"#:example.org", "between '#' and ':'"},
                                 {"#the lobby:example.org", "white space"},
                                 {"#lobby\n:example.org", "white space"},
                                 {std::string("#a\0b:example.org", 16), "NUL"},
                                 {"#lobby:exa mple", "valid server name"},
                                 {OfLength("#", 256), "at most 255 bytes"}});
}

TEST(IdentifiersTest, NamespacedIdentifiers) {
  ExpectTaken(CheckNamespacedIdentifier,
              {"m.megolm.v1.aes-sha2", "a", "org.example_x-1.y", std::string(255, 'a')});
  for (const std::string wrong : {"", "1a", ".a", "A", "a b", "a/b", "ä"}) {
    EXPECT_FALSE(CheckNamespacedIdentifier(wrong).ok()) << wrong;
  }
  EXPECT_FALSE(CheckNamespacedIdentifier(std::string(256, 'a')).ok());
}

TEST(IdentifiersTest, StateEventTypes) {
  ExpectTaken(CheckStateEventType,
              {"m.room.name", "m.room.policy", "m.space.child", "m.policy.rule.user",
               "m.room.third_party_invite", "m.room.pinned_events", "m.policy.rule.room",
               "org.example.colour", "im.vector.modular.widgets", "mail", "m", "x y",
               std::string(255, 'x')});
  ExpectRefused(CheckStateEventType, {{"", "must not be empty"},
                                      {"m.room.message", "org.example.colour"},
                                      {"m.room.nonsense", "reserved"},
                                      {"m.reaction", "reserved"},
                                      {"m.", "reserved"},
                                      {"m.room.name ", "reserved"},
                                      {"\xFF", "UTF-8"},
                                      {std::string(256, 'x'), "at most 255 bytes"}});
}

TEST(IdentifiersTest, ServerNamesOfIdentifiers) {
  EXPECT_EQ(ServerNameOf("@alice:example.org:80"), "example.org:80");
  EXPECT_EQ(ServerNameOf("!sSsp4EyaZQx79eZbP0XCPWODnf59hLuJ-3ot0UDCjcQ"), "");
  EXPECT_TRUE(IsLocal("@alice:example.org", "example.org"));
  EXPECT_FALSE(IsLocal("@alice:example.org:80", "example.org"));
  EXPECT_FALSE(IsLocal("@alice:sub.example.org", "example.org"));
}

}  // namespace
}  // namespace innkeeper::rooms
