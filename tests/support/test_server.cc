#include "tests/support/test_server.h"

#include <glog/logging.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/event.h"

namespace innkeeper {
namespace {

nlohmann::json PrincipalJson(absl::string_view name, const std::vector<std::string>& roles,
                             const std::vector<std::string>& users) {
  return {{"name", std::string(name)},
          {"token_sha256", {absl::BytesToHexString(rooms::Sha256(TestToken(name)))}},
          {"roles", roles},
          {"users", users}};
}

}  // namespace

std::string TestToken(absl::string_view principal) { return absl::StrCat(principal, "-token"); }

std::string TestTokenFile() {
  nlohmann::json tenant =
      PrincipalJson("tenant", {"create", "read-all", "upgrade", "federate"}, {"@*:example.org"});
  tenant["audiences"] = {"tenant-*"};
  const nlohmann::json principals = {
      tenant,
      PrincipalJson("admin", {"admin"}, {}),
      PrincipalJson("backend", {"create", "upgrade", "participate"}, {"@*:example.org"}),
      PrincipalJson("reader", {"read-all"}, {}),
      PrincipalJson("watcher", {"watch"}, {}),
      PrincipalJson("observer", {"watch", "read-all"}, {}),
      PrincipalJson("sender", {"federate"}, {}),
      PrincipalJson("approver", {"approve"}, {}),
      PrincipalJson("archivist", {"audit"}, {}),
      PrincipalJson("alice", {"create", "upgrade", "participate"}, {"@alice:example.org"}),
      PrincipalJson("nobody", {}, {"@*:example.org"})};
  return nlohmann::json({{"principals", principals}}).dump(2);
}

TestServer::TestServer(ChangeConfig change, MakeSurroundings surroundings)
    : surroundings_(std::move(surroundings)) {
  config_.server_name = kTestServerName;
  config_.listen_address = "127.0.0.1:0";
  config_.data_dir = dir_.File("data");
  config_.tokens_file = dir_.Write("tokens.json", TestTokenFile());
  config_.instance_name = "test";
  config_.block_cache_bytes = int64_t{32} << 20;
  config_.write_buffer_bytes = int64_t{16} << 20;
  for (double ServerConfig::*rate :
       {&ServerConfig::principal_read_rate, &ServerConfig::principal_write_rate,
        &ServerConfig::room_creation_rate, &ServerConfig::upgrade_rate, &ServerConfig::invite_rate,
        &ServerConfig::join_rate, &ServerConfig::message_rate, &ServerConfig::room_invite_rate,
        &ServerConfig::room_join_rate, &ServerConfig::room_message_rate,
        &ServerConfig::failed_login_rate}) {
    config_.*rate = 0;
  }
  change(config_);
  Start();
}

TestServer::~TestServer() { Stop().IgnoreError(); }

absl::Status TestServer::Stop() {
  if (server_ == nullptr) return absl::OkStatus();
  absl::Status status = server_->Shutdown();
  server_.reset();
  return status;
}

void TestServer::Start() {
  CHECK(server_ == nullptr);
  auto server = Server::Start(config_, surroundings_());
  CHECK(server.ok()) << server.status();
  server_ = *std::move(server);
}

}  // namespace innkeeper
