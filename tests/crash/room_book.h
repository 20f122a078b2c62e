// File: tests/crash/room_book.h
//
// The books of a room: what was asked and answered on one side, what the server has on the
// other, and whether the two agree.

#ifndef INNKEEPER_TESTS_CRASH_ROOM_BOOK_H_
#define INNKEEPER_TESTS_CRASH_ROOM_BOOK_H_

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_state.pb.h"
#include "tests/crash/room_write.h"
#include "tests/crash/violations.h"
#include "tests/support/test_client.h"

namespace innkeeper::crash {

// Not thread-safe. Clients that it is given need the roles that its methods say.
class RoomBook {
 public:
  // Of a room that was created just now and not been written into. `admin` needs the role
  // read-all; `violations` must outlive it.
  RoomBook(std::string room_id, const TestClient& admin, Violations& violations);

  // Enters what was asked and answered, what came of an export, and an event that the event
  // log has of the room, in its order.
  void AddWrite(RoomWrite write);
  void AddExport(ExportedRoom exported);
  void AddLogged(const v1::RoomEvent& event);

  // Repeats what was entered since the last time and may be repeated: what got no answer must now
  // get one, and what has one must get the same. `backend` may act for everybody.
  void Repeat(const TestClient& backend);

  // Reads the room and holds it against all that was entered:
  // - the timeline goes on where it ended before, without gaps;
  // - in it are each acknowledged write, once, those without an answer, once or not at all, and
  //   nothing else; none stands before one that was answered before it was asked for;
  // - the state, the member counts and the event log are what the timeline says;
  // - each export is a beginning of the one that is made now, which is the timeline, but for
  //   what was redacted in between.
  // `admin` needs the role read-all.
  void Check(const TestClient& admin);

  const std::string& room_id() const { return room_id_; }
  const std::vector<RoomWrite>& writes() const { return writes_; }
  // How many events the timeline had at the last Check().
  size_t size() const { return timeline_.size(); }

 private:
  template <typename... Parts>
  bool Expect(bool holds, const Parts&... parts) {
    return violations_.Expect(holds, "room ", room_id_, " ", parts...);
  }

  std::vector<v1::TimelineEvent> ReadTimeline(const TestClient& admin);
  void TakeTimeline(std::vector<v1::TimelineEvent> timeline);
  // The write that the event came of, if any did.
  const RoomWrite* WriteOf(const v1::TimelineEvent& event) const;
  void CheckWrites();
  void CheckOutcome(const RoomWrite& write, int times);
  void CheckEvent(const RoomWrite& write, const v1::TimelineEvent& event);
  void CheckOrder();
  void CheckState(const TestClient& admin);
  void CheckLogged();
  void CheckExports(const TestClient& admin);
  void CheckWhole(const std::vector<std::string>& pdus);
  void CheckBeginning(const std::vector<std::string>& pdus, const std::vector<std::string>& now);

  const std::string room_id_;
  Violations& violations_;
  size_t created_ = 0;  // how many events came with the creation
  std::vector<v1::TimelineEvent> timeline_;
  std::vector<RoomWrite> writes_;
  std::unordered_map<std::string, size_t> write_by_mark_;
  size_t repeated_ = 0;  // how many of `writes_` were
  std::unordered_map<std::string, size_t>
      redactions_;                     // places in the timeline, by what they redact
  std::vector<std::string> logged_;    // ids of events
  std::vector<ExportedRoom> exports_;  // since the last Check()
  std::vector<std::string> exported_;  // by the last Check()
};

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_ROOM_BOOK_H_
