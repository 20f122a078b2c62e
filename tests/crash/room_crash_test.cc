// Kills a server at random moments while writers send messages, set state, change members
// and redact in a few rooms, and others export these, starts it again on the same store, and
// checks that what was acknowledged is there once, also when it is asked for again, that
// nothing else is, and that timelines, state, exports and the event stream agree (room_book.h).

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "tests/crash/campaign.h"
#include "tests/crash/event_log.h"
#include "tests/crash/room_book.h"
#include "tests/crash/room_traffic.h"
#include "tests/crash/room_write.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper::crash {
namespace {

constexpr int kMaxAcknowledgedBefore = 150;
constexpr size_t kRoomsInUse = 4;

// What a run must come to at least to prove anything, for each kill.
constexpr int64_t kMinAcknowledgedPerKill = 10;

class RoomCampaign final : public Campaign {
 public:
  using Campaign::Campaign;

 private:
  // Lets everybody write and export until the server is gone. Each round takes a new room
  // into use, and leaves the oldest alone.
  void RunTraffic() override {
    do {
      AddRoom();
    } while (in_use_.size() < kRoomsInUse);
    if (in_use_.size() > kRoomsInUse) in_use_.erase(in_use_.begin());
    RoomTraffic traffic(victim().address(), absl::StrCat("r", rounds()), in_use_, clock_, random());
    const int enough = absl::Uniform(absl::IntervalClosed, random(), 1, kMaxAcknowledgedBefore);
    violations().Expect(traffic.WaitForAcknowledged(enough, kPatience), "writers make no headway");
    victim().End();
    Enter(traffic.Stop());
  }

  void Audit() override {
    ReadLog();
    for (const std::string& room_id : in_use_) books_.at(room_id).Check(admin());
    const TestClient backend(victim().address(), TestToken("backend"));
    for (const std::string& room_id : in_use_) books_.at(room_id).Repeat(backend);
    ReadLog();
    for (const std::string& room_id : in_use_) books_.at(room_id).Check(admin());
  }

  void AuditAll() override {
    for (auto& [room_id, book] : books_) book.Check(admin());
    CheckStream(log(), victim().address(), watcher(), violations());
  }

  void Report() override {
    std::map<Outcome, int64_t> outcomes;
    int64_t unanswered = 0;
    size_t events = 0;
    for (const auto& [room_id, book] : books_) {
      events += book.size();
      for (const RoomWrite& write : book.writes()) {
        ++outcomes[write.outcome];
        if (write.was_unknown) ++unanswered;
      }
    }
    std::cout << outcomes[Outcome::kDone] << " writes acknowledged, " << unanswered
              << " unanswered, " << outcomes[Outcome::kRefused] << " refused; " << whole_exports_
              << " exports, and " << broken_exports_ << " that broke off\n"
              << books_.size() << " rooms with " << events << " events, " << watcher().streams()
              << " streams" << std::endl;
    if (!all_is_well()) return;
    const int64_t kills = victim().deaths().kills;
    violations().Expect(outcomes[Outcome::kDone] >= kMinAcknowledgedPerKill * kills &&
                            unanswered >= kills && whole_exports_ >= kills && broken_exports_ > 0,
                        "too little traffic to prove anything");
  }

  // Makes a room with all writers in it, who may do everything there.
  void AddRoom() {
    const std::vector<std::string> users = RoomWriters();
    const TestClient backend(victim().address(), TestToken("backend"));
    v1::CreateRoomRequest request = RoomRequest(users.front());
    request.set_room_version(absl::StrCat(absl::Uniform(absl::IntervalClosed, random(), 1, 12)));
    request.set_preset(v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT);
    request.mutable_invites()->Assign(users.begin() + 1, users.end());
    const std::string room_id = backend.Create(request).room_id();
    RoomBook& book = books_.try_emplace(room_id, room_id, admin(), violations()).first->second;
    for (const std::string& user : request.invites()) {
      RoomWrite join;
      join.request = MembershipOf(user, user, "join", absl::StrCat(room_id, user));
      join.request.room_id = room_id;
      join.begun = ++clock_;
      Attempt(backend, join);
      join.answered = ++clock_;
      book.AddWrite(std::move(join));
    }
    in_use_.push_back(room_id);
  }

  void Enter(RoomDeeds deeds) {
    for (RoomWrite& write : deeds.writes) {
      RoomBook& book = books_.at(write.request.room_id);
      book.AddWrite(std::move(write));
    }
    for (ExportedRoom& exported : deeds.exports) {
      ++(exported.status.ok() ? whole_exports_ : broken_exports_);
      RoomBook& book = books_.at(exported.header.room_id());
      book.AddExport(std::move(exported));
    }
  }

  // Enters what the log has beyond what has been read.
  void ReadLog() {
    for (const v1::RoomEvent& event : log().ReadOn(victim().address())) {
      books_.at(event.room_id()).AddLogged(event);
    }
  }

  std::map<std::string, RoomBook> books_;
  std::vector<std::string> in_use_;
  std::atomic<int64_t> clock_ = 0;
  int64_t whole_exports_ = 0;
  int64_t broken_exports_ = 0;
};

}  // namespace
}  // namespace innkeeper::crash

int main(int argc, char** argv) {
  innkeeper::crash::RoomCampaign campaign(innkeeper::crash::ParseCampaignFlags(argc, argv));
  return campaign.Run() ? EXIT_SUCCESS : EXIT_FAILURE;
}
