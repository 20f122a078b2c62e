// Has the defect that its argument names.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "tests/sanitizers/thread/worker.h"

namespace innkeeper {
namespace {

// Two threads guard one value with two mutexes.
void RaceBetweenMutexes() {
  int value = 0;
  const auto work = [&value] {
    absl::Mutex mine;
    absl::MutexLock lock(&mine);
    ++value;
  };
  std::thread other(work);
  work();
  other.join();
}

// A handler goes on using what it has handed over.
class HastyService final : public v1::RoomLifecycle::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetRoom(grpc::CallbackServerContext* context, const v1::GetRoomRequest*,
                                    v1::GetRoomResponse*) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    worker_.Do([this, reactor] {
      ++calls_;
      reactor->Finish(grpc::Status::OK);
    });
    ++calls_;
    return reactor;
  }

 private:
  int calls_ = 0;
  Worker worker_;
};

void RaceAfterHandover() {
  HastyService service;
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = v1::RoomLifecycle::NewStub(server->InProcessChannel({}));
  grpc::ClientContext context;
  v1::GetRoomResponse response;
  stub->GetRoom(&context, {}, &response);
  server->Shutdown();
}

}  // namespace
}  // namespace innkeeper

int main(int argc, char** argv) {
  const std::string kind = argc == 2 ? argv[1] : "";
  if (kind == "race-between-mutexes") innkeeper::RaceBetweenMutexes();
  if (kind == "race-after-handover") innkeeper::RaceAfterHandover();
}
