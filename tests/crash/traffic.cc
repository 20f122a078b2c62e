#include "tests/crash/traffic.h"

#include <algorithm>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "tests/support/test_server.h"

namespace innkeeper::crash {
namespace {

constexpr int kWriters = 8;
constexpr size_t kMaxTargets = 64;
constexpr size_t kContendedTargets = 2;
constexpr int kContendedAliases = 40;

bool OneIn(std::mt19937_64& random, int n) { return absl::Uniform(random, 0, n) == 0; }

// Usually up to `few`, now and then `many`.
int Few(std::mt19937_64& random, int few, int many) {
  return OneIn(random, 12) ? many : absl::Uniform(absl::IntervalClosed, random, 0, few);
}

std::string AnyVersion(std::mt19937_64& random) {
  return absl::StrCat(absl::Uniform(absl::IntervalClosed, random, 1, 12));
}

void AddInitialState(std::mt19937_64& random, v1::CreateRoomRequest& request) {
  const int notes = Few(random, 3, 60);
  for (int i = 0; i < notes; ++i) {
    v1::InitialStateEvent& event = *request.add_initial_state();
    event.set_type("org.example.note");
    event.set_state_key(absl::StrCat(i));
    auto& fields = *event.mutable_content()->mutable_fields();
    fields["number"].set_number_value(i);
    fields["text"].set_string_value(std::string(absl::Uniform<size_t>(random, 0, 2000), 'n'));
  }
  if (OneIn(random, 4)) {
    v1::InitialStateEvent& event = *request.add_initial_state();
    event.set_type("m.room.avatar");
    (*event.mutable_content()->mutable_fields())["url"].set_string_value("mxc://example.org/a");
  }
}

void AddInvites(std::mt19937_64& random, v1::CreateRoomRequest& request) {
  const int invites = Few(random, 3, 80);
  for (int i = 0; i < invites; ++i) {
    const char* server = OneIn(random, 2) ? kTestServerName : "remote.example";
    request.add_invites(absl::StrCat("@guest", i, ":", server));
  }
  request.set_is_direct(OneIn(random, 4));
}

v1::CreateRoomRequest AnyRoom(std::mt19937_64& random, const std::string& traffic,
                              const std::string& name) {
  v1::CreateRoomRequest request;
  request.set_creator(absl::StrCat("@", name, ":", kTestServerName));
  request.set_room_version(AnyVersion(random));
  request.set_preset(
      static_cast<v1::RoomPreset>(absl::Uniform(random, 0, v1::RoomPreset_ARRAYSIZE)));
  request.set_is_public(OneIn(random, 2));
  if (OneIn(random, 2)) request.set_name(absl::StrCat("Room of ", name));
  if (OneIn(random, 2)) {
    request.set_topic(std::string(absl::Uniform<size_t>(random, 1, 4000), 't'));
  }
  if (OneIn(random, 2)) {
    request.set_alias(absl::StrCat("#", traffic, "-", absl::Uniform(random, 0, kContendedAliases),
                                   ":", kTestServerName));
  }
  if (OneIn(random, 4)) request.set_encryption_algorithm("m.megolm.v1.aes-sha2");
  if (OneIn(random, 8)) {
    (*request.mutable_creation_content()->mutable_fields())["type"].set_string_value("m.space");
  }
  AddInitialState(random, request);
  AddInvites(random, request);
  if (OneIn(random, 2)) request.set_request_id(name);
  return request;
}

}  // namespace

// One writer: its connection, its dice, and what it did.
class Traffic::Writer {
 public:
  Writer(const std::string& address, std::string traffic, std::string name, uint64_t seed)
      : client_(std::make_unique<TestClient>(address, TestToken("backend"))),
        traffic_(std::move(traffic)),
        name_(std::move(name)),
        random_(seed) {}

  // Writes once. False if the connection was lost.
  bool Write(Traffic& traffic) {
    const std::string name = absl::StrCat(name_, "-", ++count_);
    Target target;
    if (OneIn(random_, 2) && traffic.PickTarget(random_, &target)) {
      return Upgrade(traffic, target, name);
    }
    return Create(traffic, name);
  }

  Operations TakeOperations() { return std::move(operations_); }

 private:
  bool Create(Traffic& traffic, const std::string& name) {
    CreateOperation& operation = operations_.creates.emplace_back();
    operation.request = AnyRoom(random_, traffic_, name);
    Attempt(*client_, operation);
    if (operation.outcome == Outcome::kDone) {
      traffic.AddTarget({operation.response.room().room_id(), operation.request.creator()});
      traffic.CountAcknowledged();
    }
    return operation.outcome != Outcome::kUnknown;
  }

  bool Upgrade(Traffic& traffic, const Target& target, const std::string& name) {
    UpgradeOperation& operation = operations_.upgrades.emplace_back();
    operation.request.set_room_id(target.room_id);
    operation.request.set_requester(target.requester);
    operation.request.set_new_version(AnyVersion(random_));
    if (OneIn(random_, 2)) operation.request.set_request_id(name);
    Attempt(*client_, operation);
    if (operation.outcome == Outcome::kDone) {
      traffic.RemoveTarget(target.room_id);
      traffic.AddTarget({operation.response.room().room_id(), target.requester});
      traffic.CountAcknowledged();
    }
    return operation.outcome != Outcome::kUnknown;
  }

  std::unique_ptr<TestClient> client_;
  std::string traffic_;
  std::string name_;
  std::mt19937_64 random_;
  int count_ = 0;
  Operations operations_;
};

Traffic::Traffic(const std::string& address, const std::string& name, std::vector<Target> targets,
                 std::mt19937_64& random)
    : targets_(std::move(targets)) {
  for (int i = 0; i < kWriters; ++i) {
    threads_.emplace_back([this, writer = Writer(address, name, absl::StrCat(name, "-", i),
                                                 random())]() mutable { Run(std::move(writer)); });
  }
}

Traffic::~Traffic() { Stop(); }

bool Traffic::WaitForAcknowledged(int count, absl::Duration timeout) {
  auto enough = [this, count]()
                    ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return acknowledged_ >= count; };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&enough), timeout);
}

Operations Traffic::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  absl::MutexLock lock(&mutex_);
  return std::exchange(operations_, {});
}

void Traffic::Run(Writer writer) {
  while (!stopping() && writer.Write(*this)) {
  }
  Operations done = writer.TakeOperations();
  absl::MutexLock lock(&mutex_);
  std::move(done.creates.begin(), done.creates.end(), std::back_inserter(operations_.creates));
  std::move(done.upgrades.begin(), done.upgrades.end(), std::back_inserter(operations_.upgrades));
}

bool Traffic::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

bool Traffic::PickTarget(std::mt19937_64& random, Target* target) {
  absl::MutexLock lock(&mutex_);
  if (targets_.empty()) return false;
  const size_t choice =
      OneIn(random, 2) ? std::min(kContendedTargets, targets_.size()) : targets_.size();
  *target = targets_[absl::Uniform<size_t>(random, 0, choice)];
  return true;
}

void Traffic::AddTarget(Target target) {
  absl::MutexLock lock(&mutex_);
  if (targets_.size() < kMaxTargets) targets_.push_back(std::move(target));
}

void Traffic::RemoveTarget(const std::string& room_id) {
  absl::MutexLock lock(&mutex_);
  targets_.erase(std::remove_if(targets_.begin(), targets_.end(),
                                [&](const Target& target) { return target.room_id == room_id; }),
                 targets_.end());
}

void Traffic::CountAcknowledged() {
  absl::MutexLock lock(&mutex_);
  ++acknowledged_;
}

}  // namespace innkeeper::crash
