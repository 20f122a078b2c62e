// The example in README.md is a program, and works.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "server/base/file.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

std::string Read(const std::string& path) {
  auto file = ReadFile(path, 1 << 20);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? file->bytes : "";
}

TEST(ExampleTest, StandsInTheReadme) {
  EXPECT_THAT(Read(INNKEEPER_README),
              HasSubstr("```cpp\n" + Read(INNKEEPER_EXAMPLE_SOURCE) + "```"));
}

TEST(ExampleTest, GoesOnWhereTheLastRunEnded) {
  TestServer server([](ServerConfig& config) { config.server_name = "localhost"; });
  const TestClient client(server.address(), TestToken("admin"));
  const TempDir dir;
  const auto run = [&] {
    return std::make_unique<ChildProcess>(
        INNKEEPER_EXAMPLE,
        std::vector<std::string>{server.address(), dir.Write("token", TestToken("admin")),
                                 dir.File("cursor")},
        dir.File("log"));
  };
  const auto create = [&] {
    return "room.created " + client.Create(RoomRequest("@bob:localhost")).room_id();
  };

  auto example = run();
  const auto first = example->ReadLine();
  ASSERT_TRUE(first) << Read(dir.File("log"));
  const std::string second = create();
  // By the second line, the cursor behind the first one is stored.
  EXPECT_EQ(example->ReadLine(), second);
  example->Signal(SIGKILL);
  example->Wait();

  const std::string third = create();
  example = run();
  const auto line = example->ReadLine();
  ASSERT_TRUE(line) << Read(dir.File("log"));
  EXPECT_THAT(*line, AnyOf(second, third));
}

}  // namespace
}  // namespace innkeeper
