// File: tests/crash/ledger.h
//
// The books: what was asked and answered on one side, what the event log says on
// the other, and whether the two agree.

#ifndef INNKEEPER_TESTS_CRASH_LEDGER_H_
#define INNKEEPER_TESTS_CRASH_LEDGER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "innkeeper/v1/room_event.pb.h"
#include "tests/crash/expectation.h"
#include "tests/crash/operation.h"
#include "tests/crash/traffic.h"
#include "tests/crash/violations.h"

namespace innkeeper::crash {

// A room as the event log tells of it.
struct LoggedRoom {
  v1::RoomCreated created;
  std::string successor;  // empty if it was not replaced
};

// Counts of what the books hold.
struct LedgerTotals {
  int64_t creates_acknowledged = 0;
  int64_t upgrades_acknowledged = 0;
  std::map<std::string, int64_t> refused;  // by reason
  int64_t unanswered = 0;                  // attempts that got no answer
  int64_t repeated = 0;                    // of them those that were repeated
};

class Ledger {
 public:
  // `violations` must outlive it.
  explicit Ledger(Violations& violations) : violations_(violations) {}

  // Enters what writers did.
  void AddOperations(Operations operations);

  // Enters the next events of the log, in its order, whole commits only. Checks
  // that the log has no gap and makes sense by itself.
  void AddEvents(const std::vector<v1::RoomEvent>& events);

  // The operations without an answer that may be repeated.
  std::vector<CreateOperation*> RepeatableCreates();
  std::vector<UpgradeOperation*> RepeatableUpgrades();

  // Checks every operation entered since the last call, or all, against the events:
  // what was acknowledged is there, what was refused is not, what got no answer is
  // there once or not, and there is nothing else.
  void CheckNewOperations();
  void CheckAllOperations();

  // The rooms that operations or events since the last call were about.
  std::set<std::string> TakeTouchedRooms();

  const LoggedRoom* Find(const std::string& room_id) const;
  // What the room, which the log must have, must look like. Nothing if it is not
  // known where it comes from.
  std::optional<ExpectedRoom> Expect(const std::string& room_id) const;

  const std::map<std::string, LoggedRoom>& rooms() const { return rooms_; }
  int64_t head_sequence() const { return head_sequence_; }
  int64_t interrupted() const { return interrupted_; }
  LedgerTotals Totals() const;

  // Up to `count` rooms that were not replaced, picked at random.
  std::vector<Target> PickActive(int count, std::mt19937_64& random) const;

 private:
  struct Failures {
    int64_t in_progress = 0;
    int64_t interrupted = 0;
  };

  void AddCreated(const v1::RoomCreated& created);
  void AddUpgraded(const v1::RoomEvent& event, const v1::RoomEvent* before);
  void AddFailed(const v1::RoomUpgradeFailed& failed);
  void EnterAlias(const CreateOperation& operation);
  void CheckCreate(const CreateOperation& operation);
  void CheckUpgrades(const std::string& room_id);
  void CheckUpgrade(const UpgradeOperation& operation, const LoggedRoom& room);
  void CheckOperations(const std::vector<std::string>& creators,
                       const std::set<std::string>& upgraded_rooms, size_t first_room);
  void CheckOrigin(const std::string& room_id, const LoggedRoom& room);
  // Whether the operation, if it was carried out, made the room's successor.
  bool MadeSuccessor(const UpgradeOperation& operation, const LoggedRoom& room) const;

  Violations& violations_;
  std::unordered_map<std::string, CreateOperation> creates_;                 // by creator
  std::unordered_map<std::string, std::vector<UpgradeOperation>> upgrades_;  // by old room
  std::vector<std::string> new_creates_;                                     // keys of `creates_`
  std::set<std::string> new_upgrades_;                                       // keys of `upgrades_`
  size_t checked_rooms_ = 0;  // how many of `room_ids_` have been checked
  std::map<std::string, LoggedRoom> rooms_;
  std::vector<std::string> room_ids_;                              // in the log's order
  std::unordered_map<std::string, std::string> room_by_creator_;   // made by CreateRoom
  std::unordered_map<std::string, std::string> creator_by_alias_;  // of such rooms
  std::unordered_map<std::string, Failures> failures_;             // by room
  std::set<std::string> touched_;
  int64_t head_sequence_ = 0;
  int64_t interrupted_ = 0;
};

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_LEDGER_H_
