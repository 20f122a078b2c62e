// File: tests/support/test_server.h
//
// A server of a test's own: the real one, in this process, on a free port of the
// loopback, with its store in a directory that goes away with it.

#ifndef INNKEEPER_TESTS_SUPPORT_TEST_SERVER_H_
#define INNKEEPER_TESTS_SUPPORT_TEST_SERVER_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/config/config.h"
#include "server/server.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {

// The server name of test servers.
inline constexpr char kTestServerName[] = "example.org";

// The token of a principal of test servers:
//
//   admin    role admin
//   backend  roles create, upgrade, participate; may act for every user of example.org
//   reader   role read-all
//   watcher  role watch; "observer": roles watch, read-all
//   sender   role federate
//   approver role approve
//   archivist
//            role audit
//   tenant   roles create, read-all, upgrade, federate; may act for every user of example.org;
//            may see the audiences tenant-*
//   alice    roles create, upgrade, participate; may act for @alice:example.org only
//   nobody   no role; may act for every user of example.org
std::string TestToken(absl::string_view principal);

// The token file with those principals.
std::string TestTokenFile();

class TestServer {
 public:
  using ChangeConfig = absl::AnyInvocable<void(ServerConfig&)>;
  using MakeSurroundings = absl::AnyInvocable<Server::Surroundings()>;

  // Starts a server whose configuration `change` may alter: by default one without
  // limits on how often things are done. Crashes if it can't be started.
  TestServer() : TestServer([](ServerConfig&) {}) {}
  explicit TestServer(
      ChangeConfig change, MakeSurroundings surroundings = [] { return Server::Surroundings(); });

  // Stops it, if it isn't stopped.
  ~TestServer();

  // Drains and stops the server; Start() starts it again on the same store.
  absl::Status Stop();
  void Start();

  const std::string& address() const { return server_->address(); }
  const std::string& metrics_address() const { return server_->metrics_address(); }
  const ServerConfig& config() const { return config_; }
  const TempDir& dir() const { return dir_; }

 private:
  TempDir dir_;
  ServerConfig config_;
  MakeSurroundings surroundings_;
  std::unique_ptr<Server> server_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_TEST_SERVER_H_
