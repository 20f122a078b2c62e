#include "server/config/host_port.h"

#include <gtest/gtest.h>

namespace innkeeper {
namespace {

void ExpectAddress(absl::string_view text, absl::string_view host, int port) {
  const auto address = ParseHostPort(text);
  ASSERT_TRUE(address) << text;
  EXPECT_EQ(address->host, host);
  EXPECT_EQ(address->port, port);
}

TEST(HostPortTest, ReadsNamesAndAddresses) {
  ExpectAddress("127.0.0.1:0", "127.0.0.1", 0);
  ExpectAddress("rooms-1.example.org:65535", "rooms-1.example.org", 65'535);
  ExpectAddress("[::1]:7447", "::1", 7447);
}

TEST(HostPortTest, RefusesEverythingElse) {
  for (const char* text :
       {"", ":7447", "localhost", "localhost:", "localhost:x", "localhost:+1", "localhost: 1",
        "localhost:-1", "localhost:65536", "localhost:99999999999", "::1:7447", "[::1]", "[::g]:1",
        "[127.0.0.1]:1", "[]:1", "[::1:1", "a b:1", "unix:/tmp/socket", "http://a:1"}) {
    EXPECT_FALSE(ParseHostPort(text)) << text;
  }
}

TEST(HostPortTest, KnowsWhatOnlyThisMachineReaches) {
  for (const char* host : {"127.0.0.1", "127.255.0.9", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1",
                           "localhost", "LocalHost"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "::2", "::ffff:10.0.0.1",
                           "127.0.0.1.example.org", "127.1", "localhost.example.org", "", "x"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

}  // namespace
}  // namespace innkeeper
