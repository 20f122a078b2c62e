#include "tests/crash/room_traffic.h"

#include <map>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "tests/support/test_server.h"

namespace innkeeper::crash {
namespace {

constexpr int kWriters = 8;
constexpr int kExporters = 2;
constexpr int kContendedStateKeys = 3;

bool OneIn(std::mt19937_64& random, int n) { return absl::Uniform(random, 0, n) == 0; }

template <typename T>
size_t AnyOf(std::mt19937_64& random, const std::vector<T>& choices) {
  return absl::Uniform<size_t>(random, 0, choices.size());
}

}  // namespace

std::vector<std::string> RoomWriters() {
  std::vector<std::string> users;
  users.reserve(kWriters);
  for (int i = 0; i < kWriters; ++i) {
    users.push_back(absl::StrCat("@writer", i, ":", kTestServerName));
  }
  return users;
}

// One writer: its connection, its dice, and what it knows of the rooms.
class RoomTraffic::Writer {
 public:
  Writer(const std::string& address, std::string user, std::string name, uint64_t seed)
      : client_(std::make_unique<TestClient>(address, TestToken("backend"))),
        user_(std::move(user)),
        name_(std::move(name)),
        random_(seed) {}

  RoomWrite Write(const std::vector<std::string>& rooms, std::atomic<int64_t>& clock) {
    const std::string& room_id = rooms[AnyOf(random_, rooms)];
    RoomWrite write;
    write.request = Choose(known_[room_id]);
    write.request.room_id = room_id;
    if (!OneIn(random_, 4)) write.request.request_id = write.request.mark;
    write.begun = ++clock;
    Attempt(*client_, write);
    if (write.outcome == Outcome::kDone) {
      write.answered = ++clock;
      Learn(write, known_[room_id]);
    }
    return write;
  }

 private:
  // What it knows of a room.
  struct Knowledge {
    std::vector<std::string> own_events;        // that can be redacted
    std::map<std::string, std::string> guests;  // who are not banned, and their memberships
  };

  WantedEvent Choose(Knowledge& known) {
    const std::string mark = absl::StrCat(name_, "-", ++count_);
    const int choice = absl::Uniform(random_, 0, 10);
    if (choice < 2) {
      return StateOf(user_, absl::StrCat(absl::Uniform(random_, 0, kContendedStateKeys)), mark);
    }
    if (choice < 5) return ChooseMembership(known, mark);
    if (choice < 6 && !known.own_events.empty()) {
      std::swap(known.own_events[AnyOf(random_, known.own_events)], known.own_events.back());
      const std::string event_id = std::move(known.own_events.back());
      known.own_events.pop_back();
      return RedactionOf(user_, event_id, mark);
    }
    return MessageOf(user_, mark);
  }

  WantedEvent ChooseMembership(const Knowledge& known, const std::string& mark) {
    auto guest = known.guests.begin();
    std::advance(guest, absl::Uniform<size_t>(random_, 0, known.guests.size() + 1));
    if (guest == known.guests.end()) {
      const std::string stranger = absl::StrCat("@guest-", mark, ":", kTestServerName);
      return MembershipOf(user_, stranger, "invite", mark);
    }
    const auto& [user, membership] = *guest;
    if (OneIn(random_, 4)) return MembershipOf(user_, user, "ban", mark);
    if (membership == "leave") return MembershipOf(user_, user, "invite", mark);
    const bool joins = membership == "invite" && !OneIn(random_, 4);
    return MembershipOf(user, user, joins ? "join" : "leave", mark);
  }

  static void Learn(const RoomWrite& write, Knowledge& known) {
    const v1::TimelineEvent& event = write.request.event;
    if (event.type() == "m.room.redaction") return;
    if (event.type() != "m.room.member") {
      known.own_events.push_back(write.response);
      return;
    }
    const std::string membership = event.content().fields().at("membership").string_value();
    if (membership == "ban") {
      known.guests.erase(event.state_key());
    } else {
      known.guests[event.state_key()] = membership;
    }
  }

  std::unique_ptr<TestClient> client_;
  std::string user_;
  std::string name_;
  std::mt19937_64 random_;
  int count_ = 0;
  std::map<std::string, Knowledge> known_;  // by room
};

RoomTraffic::RoomTraffic(const std::string& address, const std::string& name,
                         std::vector<std::string> rooms, std::atomic<int64_t>& clock,
                         std::mt19937_64& random)
    : rooms_(std::move(rooms)), clock_(clock) {
  for (const std::string& user : RoomWriters()) {
    threads_.emplace_back(
        [this, writer = Writer(address, user, absl::StrCat(name, "-", threads_.size()),
                               random())]() mutable { RunWriter(writer); });
  }
  for (int i = 0; i < kExporters; ++i) {
    threads_.emplace_back(
        [this, address, seed = random()] { RunExporter(address, std::mt19937_64(seed)); });
  }
}

RoomTraffic::~RoomTraffic() { Stop(); }

bool RoomTraffic::WaitForAcknowledged(int count, absl::Duration timeout) {
  auto enough = [this, count]()
                    ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return acknowledged_ >= count; };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&enough), timeout);
}

RoomDeeds RoomTraffic::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  absl::MutexLock lock(&mutex_);
  return std::exchange(deeds_, {});
}

void RoomTraffic::RunWriter(Writer& writer) {
  bool is_connected = true;
  while (is_connected && !stopping()) {
    RoomWrite write = writer.Write(rooms_, clock_);
    is_connected = write.outcome != Outcome::kUnknown;
    absl::MutexLock lock(&mutex_);
    if (write.outcome == Outcome::kDone) ++acknowledged_;
    deeds_.writes.push_back(std::move(write));
  }
}

void RoomTraffic::RunExporter(const std::string& address, std::mt19937_64 random) {
  const TestClient client(address, TestToken("reader"));
  bool is_connected = true;
  while (is_connected && !stopping()) {
    v1::ExportRoomRequest request;
    request.set_room_id(rooms_[AnyOf(random, rooms_)]);
    ExportedRoom exported = client.ExportRoom(request);
    is_connected = exported.status.ok();
    if (exported.pdus.empty()) continue;
    absl::MutexLock lock(&mutex_);
    deeds_.exports.push_back(std::move(exported));
  }
}

bool RoomTraffic::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

}  // namespace innkeeper::crash
