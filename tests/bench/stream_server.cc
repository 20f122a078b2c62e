#include "tests/bench/stream_server.h"

#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "glog/logging.h"
#include "grpcpp/grpcpp.h"
#include "innkeeper/v1/room_event.pb.h"
#include "server/events/event_codec.h"
#include "server/store.h"
#include "storage/engine.h"
#include "tests/bench/echo.grpc.pb.h"
#include "tests/support/test_server.h"

namespace innkeeper::bench {
namespace {

// Commits events, a bounded number of them at a time.
class LogFiller {
 public:
  explicit LogFiller(storage::Engine& engine) : engine_(engine) {}

  void Fill(int64_t events) {
    for (int64_t i = 0; i < events; ++i) {
      storage::CommitRequest request;
      request.log_entries.push_back(Event(i));
      Started();
      engine_.Commit(std::move(request), [this](const storage::CommitResult& result) {
        CHECK(result.status.ok()) << result.status;
        absl::MutexLock lock(&mutex_);
        --in_flight_;
      });
    }
    absl::MutexLock lock(&mutex_, absl::Condition(this, &LogFiller::NoneInFlight));
  }

 private:
  static constexpr int kMaxInFlight = 1000;

  static std::string Event(int64_t index) {
    v1::RoomCreated created;
    created.set_room_id(absl::StrCat("!", absl::Hex(index, absl::kZeroPad16), "ab:example.org"));
    created.set_creator_id(absl::StrCat("@user", index % 1000, ":example.org"));
    created.set_preset(v1::ROOM_PRESET_PRIVATE_CHAT);
    created.set_room_version("11");
    return EncodeEvent(created, {.audience = "", .creator = created.creator_id()});
  }

  void Started() {
    absl::MutexLock lock(&mutex_, absl::Condition(this, &LogFiller::HasPlace));
    ++in_flight_;
  }
  bool HasPlace() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return in_flight_ < kMaxInFlight; }
  bool NoneInFlight() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return in_flight_ == 0; }

  storage::Engine& engine_;
  absl::Mutex mutex_;
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
};

void FillStore(const ServerConfig& config, int64_t events) {
  const auto store = OpenStore(config);
  CHECK(store.ok()) << store.status();
  LogFiller(*store->engine).Fill(events);
  const absl::Status closed = store->engine->Close();
  CHECK(closed.ok()) << closed;
}

// The payload of a message that has `size` bytes on the wire.
size_t PayloadSize(int64_t size) {
  EchoMessage message;
  message.set_payload(std::string(static_cast<size_t>(size), 'x'));
  const auto overhead = static_cast<int64_t>(message.ByteSizeLong()) - size;
  return static_cast<size_t>(std::max<int64_t>(size - overhead, 0));
}

// Has all that it writes in memory.
class BareStream final : public grpc::ServerWriteReactor<EchoMessage> {
 public:
  explicit BareStream(const StreamRequest& request) {
    for (int64_t size : request.message_sizes()) payload_sizes_.push_back(PayloadSize(size));
    WriteNext();
  }

  void OnWriteDone(bool ok) override {
    if (ok) WriteNext();
  }
  void OnCancel() override { Finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    if (written_ == payload_sizes_.size()) return;
    message_.mutable_payload()->resize(payload_sizes_[written_++], 'x');
    StartWrite(&message_);
  }

  std::vector<size_t> payload_sizes_;
  size_t written_ = 0;
  EchoMessage message_;
};

class BareService final : public Echo::CallbackService {
  grpc::ServerWriteReactor<EchoMessage>* Stream(grpc::CallbackServerContext*,
                                                const StreamRequest* request) override {
    return new BareStream(*request);
  }
};

}  // namespace

void ServeStreams(int64_t events) {
  PCHECK(prctl(PR_SET_PDEATHSIG, SIGTERM) == 0);
  sigset_t termination;
  sigemptyset(&termination);
  sigaddset(&termination, SIGTERM);
  CHECK_EQ(pthread_sigmask(SIG_BLOCK, &termination, nullptr), 0);

  TestServer server([events](ServerConfig& config) {
    config.block_cache_bytes = int64_t{256} << 20;
    config.write_buffer_bytes = int64_t{64} << 20;
    config.max_streams = config.max_streams_per_principal = 0;
    FillStore(config, events);
  });
  BareService bare;
  int bare_port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &bare_port);
  builder.RegisterService(&bare);
  const std::unique_ptr<grpc::Server> bare_server = builder.BuildAndStart();
  std::cout << server.address() << " 127.0.0.1:" << bare_port << std::endl;

  int signal = 0;
  CHECK_EQ(sigwait(&termination, &signal), 0);
  bare_server->Shutdown(std::chrono::system_clock::now());
}

StreamServer::StreamServer(const std::string& program, int64_t events)
    : process_(program, {absl::StrCat("--serve=", events)}, dir_.File("stderr")) {
  const std::optional<std::string> line = process_.ReadLine();
  CHECK(line) << "the server does not start; " << dir_.File("stderr") << " may say why";
  const std::pair<std::string, std::string> addresses = absl::StrSplit(*line, ' ');
  std::tie(address_, ceiling_address_) = addresses;
}

StreamServer::~StreamServer() {
  process_.Signal(SIGTERM);
  process_.Wait();
}

absl::Duration StreamServer::CpuTime() const {
  clockid_t clock;
  CHECK_EQ(clock_getcpuclockid(process_.pid(), &clock), 0);
  timespec time;
  PCHECK(clock_gettime(clock, &time) == 0);
  return absl::DurationFromTimespec(time);
}

int64_t StreamServer::ResidentBytes() const {
  int64_t virtual_pages = 0;
  int64_t resident_pages = 0;
  std::ifstream(absl::StrCat("/proc/", process_.pid(), "/statm")) >> virtual_pages >>
      resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

}  // namespace innkeeper::bench
