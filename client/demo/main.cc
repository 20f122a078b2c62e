// Shows Innkeeper's main job on a running server: creates a room, upgrades it,
// reads both, and prints the events. Exits 0 if all of it worked.

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/demo/describe.h"
#include "client/demo/event_log.h"
#include "client/demo/print.h"
#include "client/innkeeper_client.h"
#include "client/options.h"
#include "innkeeper/v1/room_lifecycle.pb.h"

ABSL_FLAG(std::string, target, "127.0.0.1:7447", "The server, as host:port");
ABSL_FLAG(std::string, token_file, "", "The file with the bearer token");
ABSL_FLAG(std::string, server_name, "localhost", "The Matrix server name of the server");

namespace innkeeper {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

class Demo {
 public:
  Demo(const Client& client, std::string server_name)
      : client_(client), server_name_(std::move(server_name)) {}

  absl::Status Run() {
    EventLog events(client_, kPatience);
    absl::Status status = events.AwaitStart();
    if (!status.ok()) return status;

    Print("Creating a room");
    const absl::StatusOr<v1::Room> created = Create();
    if (!created.ok()) return created.status();
    status = events.AwaitEvent("room.created", created->room_id());
    if (!status.ok()) return status;

    Print("\nUpgrading it to version 12");
    const absl::StatusOr<v1::Room> successor = Upgrade(*created);
    if (!successor.ok()) return successor.status();
    status = events.AwaitEvent("room.upgraded", created->room_id());
    if (!status.ok()) return status;

    status = ShowState("\nThe state of the old room", created->room_id());
    if (!status.ok()) return status;
    return ShowState("\nThe state of the new room", successor->room_id());
  }

 private:
  std::string User(absl::string_view name) const {
    return absl::StrCat("@", name, ":", server_name_);
  }

  absl::StatusOr<v1::Room> Create() {
    v1::CreateRoomRequest request;
    request.set_creator(User("alice"));
    request.set_name("Common room");
    request.set_topic("Who is in, who is out");
    request.set_alias(absl::StrCat("#demo-", absl::ToUnixMicros(absl::Now()), ":", server_name_));
    request.set_encryption_algorithm("m.megolm.v1.aes-sha2");
    request.add_invites(User("bob"));
    request.add_invites("@carol:elsewhere.example");

    const auto response = client_.CreateRoom(request);
    if (!response.ok()) return response.status();
    Print(Describe(response->room()));
    return response->room();
  }

  absl::StatusOr<v1::Room> Upgrade(const v1::Room& room) {
    v1::UpgradeRoomRequest request;
    request.set_room_id(room.room_id());
    request.set_requester(User("alice"));
    request.set_new_version("12");

    const auto response = client_.UpgradeRoom(request);
    if (!response.ok()) return response.status();
    Print(Describe(response->old_room()) + "\n\n" + Describe(response->room()));
    if (response->old_room().successor_room_id() != response->room().room_id()) {
      return absl::InternalError("UpgradeRoom: the old room does not lead to the new one");
    }
    return response->room();
  }

  absl::Status ShowState(absl::string_view title, const std::string& room_id) {
    v1::GetRoomStateRequest request;
    request.set_room_id(room_id);
    request.set_requester(User("alice"));

    const auto response = client_.GetRoomState(request);
    if (!response.ok()) return response.status();
    Print(title);
    for (const v1::StateEvent& event : response->events()) Print("   " + Describe(event));
    return absl::OkStatus();
  }

  const Client& client_;
  const std::string server_name_;
};

absl::Status RunDemo() {
  const Client client({.endpoint = absl::GetFlag(FLAGS_target),
                       .tls = std::nullopt,
                       .token = TokenFile(absl::GetFlag(FLAGS_token_file)),
                       .timeout = kPatience});
  return Demo(client, absl::GetFlag(FLAGS_server_name)).Run();
}

}  // namespace
}  // namespace innkeeper

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Shows what Innkeeper does, on a running server.");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = innkeeper::RunDemo();
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "The demo failed: %s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}
