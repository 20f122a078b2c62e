// Shows Innkeeper's main job on a running server: creates a room, upgrades it,
// reads both, and prints the events as they arrive. Exits 0 if all of it worked.

#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/demo/call.h"
#include "client/demo/describe.h"
#include "client/demo/event_watcher.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"

ABSL_FLAG(std::string, target, "127.0.0.1:50051", "The server, as host:port");
ABSL_FLAG(std::string, token_file, "", "The file with the bearer token");
ABSL_FLAG(std::string, server_name, "localhost", "The Matrix server name of the server");

namespace innkeeper {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

// Prints a line at once; lines of several threads do not mix.
void Print(absl::string_view line) {
  std::fputs(absl::StrCat(line, "\n").c_str(), stdout);
  std::fflush(stdout);
}

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  std::ifstream file(path);
  std::string token;
  if (!std::getline(file, token)) {
    return absl::NotFoundError(absl::StrCat("--token_file: cannot read a token from '", path, "'"));
  }
  return std::string(absl::StripAsciiWhitespace(token));
}

class Demo {
 public:
  Demo(v1::RoomLifecycle::Stub* stub, std::string token, std::string server_name)
      : stub_(stub), token_(std::move(token)), server_name_(std::move(server_name)) {}

  absl::Status Run() {
    EventWatcher watcher(stub_, token_,
                         [](const v1::RoomEvent& event) { Print("   event " + Describe(event)); });
    absl::Status status = watcher.WaitForConfirmation(kPatience);
    if (!status.ok()) return status;

    Print("Creating a room\n");
    const absl::StatusOr<v1::Room> created = Create();
    if (!created.ok()) return created.status();
    status = watcher.WaitForEvent("room.created", created->room_id(), kPatience);
    if (!status.ok()) return status;

    Print("Upgrading it to version 12\n");
    const absl::StatusOr<v1::Room> successor = Upgrade(*created);
    if (!successor.ok()) return successor.status();
    status = watcher.WaitForEvent("room.upgraded", created->room_id(), kPatience);
    if (!status.ok()) return status;

    status = ShowState("The state of the old room\n", created->room_id());
    if (!status.ok()) return status;
    return ShowState("\nThe state of the new room\n", successor->room_id());
  }

 private:
  std::string User(absl::string_view name) const {
    return absl::StrCat("@", name, ":", server_name_);
  }

  void Prepare(grpc::ClientContext* context) const {
    Authorize(token_, context);
    context->set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
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

    grpc::ClientContext context;
    Prepare(&context);
    v1::CreateRoomResponse response;
    const grpc::Status status = stub_->CreateRoom(&context, request, &response);
    if (!status.ok()) return ToAbslStatus("CreateRoom", status);
    Print(Describe(response.room()));
    return response.room();
  }

  absl::StatusOr<v1::Room> Upgrade(const v1::Room& room) {
    v1::UpgradeRoomRequest request;
    request.set_room_id(room.room_id());
    request.set_requester(User("alice"));
    request.set_new_version("12");

    grpc::ClientContext context;
    Prepare(&context);
    v1::UpgradeRoomResponse response;
    const grpc::Status status = stub_->UpgradeRoom(&context, request, &response);
    if (!status.ok()) return ToAbslStatus("UpgradeRoom", status);
    Print(Describe(response.old_room()));
    Print(Describe(response.room()));
    if (response.old_room().successor_room_id() != response.room().room_id()) {
      return absl::InternalError("UpgradeRoom: the old room does not lead to the new one");
    }
    return response.room();
  }

  absl::Status ShowState(absl::string_view title, const std::string& room_id) {
    v1::GetRoomStateRequest request;
    request.set_room_id(room_id);
    request.set_requester(User("alice"));

    grpc::ClientContext context;
    Prepare(&context);
    v1::GetRoomStateResponse response;
    const grpc::Status status = stub_->GetRoomState(&context, request, &response);
    if (!status.ok()) return ToAbslStatus("GetRoomState", status);
    Print(title);
    for (const v1::StateEvent& event : response.events()) Print("   " + Describe(event));
    return absl::OkStatus();
  }

  v1::RoomLifecycle::Stub* const stub_;
  const std::string token_;
  const std::string server_name_;
};

absl::Status RunDemo() {
  const absl::StatusOr<std::string> token = ReadToken(absl::GetFlag(FLAGS_token_file));
  if (!token.ok()) return token.status();
  const std::string target = absl::GetFlag(FLAGS_target);
  const auto stub =
      v1::RoomLifecycle::NewStub(grpc::CreateChannel(target, grpc::InsecureChannelCredentials()));
  return Demo(stub.get(), *token, absl::GetFlag(FLAGS_server_name)).Run();
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
