#include "server/rpc/upload_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "server/auth/authenticator.h"
#include "server/errors/errors.h"
#include "server/rooms/event.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr char kRefused[] = "refused";
constexpr char kBroken[] = "broken";
constexpr int kUploads = 200;

// What became of the uploads of a server.
class Diary {
 public:
  void Take(const std::string& room_id) {
    absl::MutexLock lock(&mutex_);
    taken_.push_back(room_id);
  }
  void Answer() {
    absl::MutexLock lock(&mutex_);
    ++answered_;
  }
  void End() {
    absl::MutexLock lock(&mutex_);
    ++ended_;
  }

  // Wait until that many messages were taken, or uploads have ended.
  void AwaitTaken(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return taken_.size() >= count; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&enough), kPatience));
  }
  void AwaitEnds(int count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ended_ >= count; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&enough), kPatience));
  }

  std::vector<std::string> taken() const {
    absl::MutexLock lock(&mutex_);
    return taken_;
  }
  int answered() const {
    absl::MutexLock lock(&mutex_);
    return answered_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> taken_ ABSL_GUARDED_BY(mutex_);
  int answered_ ABSL_GUARDED_BY(mutex_) = 0;
  int ended_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Writes down the room ids in its messages, but refuses one, and fails at another.
class NotedUpload {
 public:
  explicit NotedUpload(Diary& diary) : diary_(diary) {}
  ~NotedUpload() { diary_.End(); }

  absl::Status Take(const v1::ImportRoomRequest& message) {
    room_id_ = message.header().room_id();
    ++count_;
    if (room_id_ == kRefused) {
      return MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_REQUEST, "no");
    }
    if (room_id_ == kBroken) return absl::DataLossError("a damaged record");
    diary_.Take(room_id_);
    return absl::OkStatus();
  }

  absl::StatusOr<v1::ImportRoomResponse> Finish() {
    diary_.Answer();
    v1::ImportRoomResponse response;
    response.set_event_count(count_);
    return response;
  }

  const std::string& room_id() const { return room_id_; }

 private:
  Diary& diary_;
  std::string room_id_;
  int64_t count_ = 0;
};

// A server with the one method.
class UploadServer final
    : private v1::RoomLifecycle::WithRawCallbackMethod_ImportRoom<v1::RoomLifecycle::Service> {
 public:
  explicit UploadServer(size_t max_queued = 100, absl::Duration stall_timeout = kPatience)
      : engine_(storage::OpenTestEngine(dir_.File("data"))),
        authenticator_(
            auth::Authenticator::Create(
                {.tokens_file = dir_.Write("tokens.json", TokenFile("admin", "admin")), .jwt = {}})
                .value()),
        executor_(1, max_queued),
        transactor_(*engine_, executor_, clock_, {}),
        environment_{*authenticator_,   gate_,        executor_, executor_,
                     executor_,         transactor_,  metrics_,  limits_,
                     /*audit=*/nullptr, stall_timeout} {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    stub_ = v1::RoomLifecycle::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }

  ~UploadServer() override {
    server_->Shutdown(std::chrono::system_clock::now());
    executor_.Stop();
  }

  v1::RoomLifecycle::Stub& stub() { return *stub_; }
  CallGate& gate() { return gate_; }
  Diary& diary() { return diary_; }
  const metrics::CallMetrics& metrics() const { return metrics_; }

  // Has the token of uploaders be that of a principal with this name and role from now on.
  void SetCaller(const std::string& name, const std::string& role) {
    dir_.Write("tokens.json", TokenFile(name, role));
    EXPECT_TRUE(authenticator_->ReloadIfChanged().ok());
  }
  void RevokeToken() {
    dir_.Write("tokens.json", TokenFile("admin", "admin", "another token"));
    EXPECT_TRUE(authenticator_->ReloadIfChanged().ok());
  }

 private:
  static std::string TokenFile(const std::string& name, const std::string& role,
                               const std::string& token = "token") {
    return absl::StrCat(R"({"principals": [{"name": ")", name, R"(", "roles": [")", role,
                        R"("], "token_sha256": [")", absl::BytesToHexString(rooms::Sha256(token)),
                        R"("]}]})");
  }

  grpc::ServerReadReactor<grpc::ByteBuffer>* ImportRoom(grpc::CallbackServerContext* context,
                                                        grpc::ByteBuffer* response) override {
    return ServeUpload<v1::ImportRoomRequest>(
        {"ImportRoom", auth::Role::kAdmin, limits::Work::kUpload}, environment_, executor_, context,
        response, [this](Call&) { return NotedUpload(diary_); });
  }

  TempDir dir_;
  const Clock clock_ = SystemClock();
  std::unique_ptr<storage::Engine> engine_;
  std::unique_ptr<auth::Authenticator> authenticator_;
  Executor executor_;
  lifecycle::Transactor transactor_;
  CallGate gate_;
  metrics::CallMetrics metrics_;
  metrics::LimitMetrics limit_metrics_;
  limits::CallLimits limits_{{}, clock_, limit_metrics_};
  const CallEnvironment environment_;
  Diary diary_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::RoomLifecycle::Stub> stub_;
};

// A caller's side of an upload.
class Uploader {
 public:
  explicit Uploader(UploadServer& server) {
    context_.set_deadline(std::chrono::system_clock::now() + absl::ToChronoSeconds(kPatience));
    context_.AddMetadata("authorization", "Bearer token");
    stream_ = server.stub().ImportRoom(&context_, &response_);
  }

  bool Send(const std::string& room_id) {
    v1::ImportRoomRequest message;
    message.mutable_header()->set_room_id(room_id);
    return stream_->Write(message);
  }

  grpc::Status Cancel() {
    context_.TryCancel();
    return stream_->Finish();
  }

  // Sends no more, and does not say so.
  grpc::Status Stall() { return stream_->Finish(); }

  grpc::Status Finish() {
    stream_->WritesDone();
    return stream_->Finish();
  }

  const v1::ImportRoomResponse& response() const { return response_; }

 private:
  grpc::ClientContext context_;
  v1::ImportRoomResponse response_;
  std::unique_ptr<grpc::ClientWriter<v1::ImportRoomRequest>> stream_;
};

std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::ErrorInfo info;
  for (const google::protobuf::Any& any : details.details()) {
    if (any.UnpackTo(&info)) break;
  }
  return info.reason();
}

TEST(UploadCallTest, MessagesAreTakenInTheirOrderAndAnswered) {
  UploadServer server;
  Uploader uploader(server);
  for (const char* room_id : {"a", "b", "c"}) EXPECT_TRUE(uploader.Send(room_id));
  EXPECT_TRUE(uploader.Finish().ok());
  EXPECT_EQ(uploader.response().event_count(), 3);
  EXPECT_THAT(server.diary().taken(), ElementsAre("a", "b", "c"));
}

TEST(UploadCallTest, AnUploadWithoutMessagesIsAnswered) {
  UploadServer server;
  Uploader uploader(server);
  EXPECT_TRUE(uploader.Finish().ok());
  EXPECT_EQ(server.diary().answered(), 1);
}

// The end of the messages and the end of the call look alike when they come.
TEST(UploadCallTest, OneThatBreaksOffIsNotAnswered) {
  UploadServer server;
  for (int i = 0; i < kUploads; ++i) {
    Uploader uploader(server);
    EXPECT_TRUE(uploader.Send("a"));
    server.diary().AwaitTaken(static_cast<size_t>(i) + 1);
    EXPECT_EQ(uploader.Cancel().error_code(), grpc::StatusCode::CANCELLED);
  }
  server.diary().AwaitEnds(kUploads);
  EXPECT_EQ(server.diary().answered(), 0);
}

TEST(UploadCallTest, AnErrorEndsItWhileTheCallerIsStillSending) {
  UploadServer server;
  Uploader uploader(server);
  EXPECT_TRUE(uploader.Send("a"));
  EXPECT_TRUE(uploader.Send(kRefused));
  while (uploader.Send("b")) {
  }
  const grpc::Status status = uploader.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "INVALID_REQUEST");
  server.diary().AwaitEnds(1);
  EXPECT_THAT(server.diary().taken(), ElementsAre("a"));
  EXPECT_EQ(server.diary().answered(), 0);
}

TEST(UploadCallTest, AnInternalErrorIsCountedAsWhatItIsAnsweredWith) {
  UploadServer server;
  Uploader uploader(server);
  EXPECT_TRUE(uploader.Send(kBroken));
  const grpc::Status status = uploader.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(ReasonOf(status), "INTERNAL");
  server.diary().AwaitEnds(1);
  EXPECT_THAT(server.metrics().errors().values(), ElementsAre(Pair("INTERNAL", 1u)));
  const auto& calls = server.metrics().methods().front().second->by_code;
  EXPECT_EQ(calls[grpc::StatusCode::INTERNAL].value(), 1u);
  EXPECT_EQ(calls[grpc::StatusCode::DATA_LOSS].value(), 0u);
}

TEST(UploadCallTest, ARevokedTokenEndsItAtTheNextMessage) {
  UploadServer server;
  Uploader uploader(server);
  EXPECT_TRUE(uploader.Send("a"));
  server.diary().AwaitTaken(1);
  server.RevokeToken();
  uploader.Send("b");
  const grpc::Status status = uploader.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(status), "CREDENTIALS_INVALID");
  EXPECT_THAT(server.diary().taken(), ElementsAre("a"));
  EXPECT_EQ(server.diary().answered(), 0);
}

TEST(UploadCallTest, ARevokedTokenKeepsItFromBeingAnswered) {
  UploadServer server;
  Uploader uploader(server);
  EXPECT_TRUE(uploader.Send("a"));
  server.diary().AwaitTaken(1);
  server.RevokeToken();
  EXPECT_EQ(uploader.Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(server.diary().answered(), 0);
}

// Has the token become that of `caller`, with that role, in the midst of an upload.
void ExpectEndsBehindChange(const std::string& caller, const std::string& role,
                            grpc::StatusCode code, const std::string& reason) {
  UploadServer server;
  Uploader uploader(server);
  EXPECT_TRUE(uploader.Send("a"));
  server.diary().AwaitTaken(1);
  server.SetCaller(caller, role);
  const grpc::Status status = uploader.Finish();
  EXPECT_EQ(status.error_code(), code);
  EXPECT_EQ(ReasonOf(status), reason);
  EXPECT_EQ(server.diary().answered(), 0);
}

TEST(UploadCallTest, ALostRoleEndsIt) {
  ExpectEndsBehindChange("admin", "watch", grpc::StatusCode::PERMISSION_DENIED, "ROLE_MISSING");
}

TEST(UploadCallTest, ATokenThatBecomesAnothersEndsIt) {
  ExpectEndsBehindChange("other-admin", "admin", grpc::StatusCode::UNAUTHENTICATED,
                         "CREDENTIALS_INVALID");
}

TEST(UploadCallTest, OneThatWaitsForItsCallerHoldsNoThread) {
  UploadServer server;
  Uploader slow(server);
  EXPECT_TRUE(slow.Send("a"));
  server.diary().AwaitTaken(1);
  Uploader fast(server);
  EXPECT_TRUE(fast.Send("b"));
  EXPECT_TRUE(fast.Finish().ok());
  EXPECT_TRUE(slow.Send("c"));
  EXPECT_TRUE(slow.Finish().ok());
  EXPECT_THAT(server.diary().taken(), ElementsAre("a", "b", "c"));
}

TEST(UploadCallTest, OneWhoseCallerSendsNothingForTooLongIsEnded) {
  UploadServer server(/*max_queued=*/100, /*stall_timeout=*/absl::Milliseconds(50));
  for (const bool sends_first : {true, false}) {
    Uploader uploader(server);
    if (sends_first) uploader.Send("a");
    const grpc::Status status = uploader.Stall();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(ReasonOf(status), "STREAM_STALLED");
  }
  server.diary().AwaitEnds(2);
  EXPECT_EQ(server.diary().answered(), 0);
}

// The message and the end of the time for it may come at the same moment.
TEST(UploadCallTest, OneThatIsAlmostTooSlowEndsOnce) {
  UploadServer server(/*max_queued=*/100, /*stall_timeout=*/absl::Milliseconds(1));
  for (int i = 0; i < kUploads; ++i) {
    Uploader uploader(server);
    for (int message = 0; message < i % 10; ++message) uploader.Send("a");
    EXPECT_EQ(ReasonOf(uploader.Stall()), "STREAM_STALLED");
  }
  server.diary().AwaitEnds(kUploads);
}

TEST(UploadCallTest, OneUnderWayIsFinishedAndNoneBegunWhenTheServerDrains) {
  UploadServer server;
  Uploader uploader(server);
  EXPECT_TRUE(uploader.Send("a"));
  server.diary().AwaitTaken(1);
  std::thread closing([&] { server.gate().Close(absl::Now() + kPatience); });
  grpc::Status refusal;
  while (refusal.ok()) refusal = Uploader(server).Finish();
  EXPECT_EQ(ReasonOf(refusal), "SHUTTING_DOWN");
  EXPECT_TRUE(uploader.Send("b"));
  EXPECT_TRUE(uploader.Finish().ok());
  EXPECT_EQ(uploader.response().event_count(), 2);
  closing.join();
}

TEST(UploadCallTest, TooMuchToDoIsSaid) {
  UploadServer server(/*max_queued=*/0);
  const grpc::Status status = Uploader(server).Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  EXPECT_THAT(server.diary().taken(), IsEmpty());
}

}  // namespace
}  // namespace innkeeper::rpc
