// File: storage/room_store.h
//
// Rooms, aliases and requests as records in an Engine: what the rest of the
// server talks to. A RoomReader sees the store as of one moment; a RoomCommit
// gathers what is to change together.
//
// Every stored record is a version byte and the message of storage/records.proto that
// storage/keys.h names for its key. The version is 1, or 2 for events.

#ifndef INNKEEPER_STORAGE_ROOM_STORE_H_
#define INNKEEPER_STORAGE_ROOM_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "storage/records.pb.h"

namespace innkeeper::storage {

// A record and the engine revision that wrote it, for a later precondition.
template <typename Record>
struct Stored {
  Record record;
  Revision revision = 0;
};

// A place in a room's state.
struct StatePosition {
  std::string type;
  std::string state_key;
};

// A request that was carried out, by whose ids it is told apart with and its id among
// them.
struct RequestKey {
  // Of requests of a principal its name, of those of one of its users "NAME USER": names
  // have no white space.
  std::string owner;
  std::string request_id;
};

// What shows whether a user may read a room.
struct RoomLookup {
  std::optional<RoomRecord> room;
  // The room's place in the user's list of rooms; none: neither joined, invited nor knocking.
  std::optional<UserRoomRecord> user_room;
};

// Returns what a RoomReader(engine, tier) would find, cheaper for rooms that are read often.
// With no user ("") only the room is looked up. Errors of RoomReader.
absl::StatusOr<RoomLookup> LookUpRoom(const Engine& engine, ReadTier tier,
                                      absl::string_view room_id, absl::string_view user_id);

// Reads from one snapshot, of all the store or of what is in memory. Thread-safe. Must not
// outlive the engine.
//
// Errors of all methods: DATA_LOSS if a record is damaged or of an unknown
// version, else those of Snapshot.
class RoomReader {
 public:
  explicit RoomReader(const Engine& engine, ReadTier tier = ReadTier::kAll)
      : snapshot_(engine.NewSnapshot(tier)) {}

  // The head of the log at that moment, as of Snapshot.
  absl::StatusOr<LogPosition> log_head() const { return snapshot_->log_head(); }

  absl::StatusOr<std::optional<Stored<RoomRecord>>> GetRoom(absl::string_view room_id) const;

  // The current state entry at (type, state_key).
  absl::StatusOr<std::optional<StateRecord>> GetState(absl::string_view room_id,
                                                      absl::string_view type,
                                                      absl::string_view state_key) const;

  // The room and its place in the list of rooms of `user_id`, in one read.
  struct RoomOfUser {
    std::optional<Stored<RoomRecord>> room;
    std::optional<UserRoomRecord> user_room;  // none: neither joined, invited nor knocking
  };
  absl::StatusOr<RoomOfUser> GetRoomOfUser(absl::string_view room_id,
                                           absl::string_view user_id) const;

  // Called with each entry of a scan; returns false to end it.
  using StateVisitor = absl::FunctionRef<bool(StatePosition position, StateRecord record)>;

  // Visits the room's state as it was at the room revision `revision`, by type, and
  // within a type in an order of the store's own: all of it, or with a type only that
  // type, or with a state key too only that entry. With `after`, only what comes behind
  // it, and with `after_type` only the types that do.
  struct StateQuery {
    std::string room_id;
    int64_t revision = 0;
    std::optional<std::string> type;
    std::optional<std::string> state_key;
    std::optional<StatePosition> after;
    std::optional<std::string> after_type;
  };
  absl::Status ScanState(const StateQuery& query, StateVisitor visit) const;

  // Visits the room's events in order, from the `first`th (1 is the oldest) on.
  absl::Status ScanEvents(absl::string_view room_id, int64_t first,
                          absl::FunctionRef<bool(int64_t number, EventRecord event)> visit) const;

  // The `number`th event of the room.
  absl::StatusOr<std::optional<EventRecord>> GetEvent(absl::string_view room_id,
                                                      int64_t number) const;

  // The number of the event with this id.
  absl::StatusOr<std::optional<int64_t>> GetEventNumber(absl::string_view room_id,
                                                        absl::string_view event_id) const;

  // Visits rooms in the order of their ids, from behind `after` ("" for the
  // first) on.
  absl::Status ScanRooms(absl::string_view after,
                         absl::FunctionRef<bool(RoomRecord room)> visit) const;

  // Visits the ids of the rooms, staged ones too, that `user_id` is joined to, invited
  // to or knocks on, in order, from behind `after` on.
  absl::Status ScanRoomsOfUser(
      absl::string_view user_id, absl::string_view after,
      absl::FunctionRef<bool(std::string room_id, UserRoomRecord record)> visit) const;

  // How many rooms NoteCreatedRoom was called for with that creator, or `most` if there are
  // as many or more.
  absl::StatusOr<int64_t> CountRoomsCreatedBy(absl::string_view creator, int64_t most) const;

  // The ids of all rooms whose status is UPGRADING.
  absl::StatusOr<std::vector<std::string>> ListLockedRooms() const;

  // The note that a room has no head yet, or none any more; see RoomCommit::BeginStaging and
  // RoomCommit::DeleteRoom.
  absl::StatusOr<std::optional<Stored<StagedRoomRecord>>> GetStagedRoom(
      absl::string_view room_id) const;

  // Visits the rooms that have such a note.
  absl::Status ScanStagedRooms(
      absl::FunctionRef<bool(std::string room_id, Stored<StagedRoomRecord> staged)> visit) const;

  // Visits the rooms on the list of public rooms, those with most joined members
  // first and then by id, from behind `after` on.
  struct ListedRoom {
    int64_t joined_member_count = 0;
    std::string room_id;
  };
  absl::Status ScanListedRooms(const std::optional<ListedRoom>& after,
                               absl::FunctionRef<bool(ListedRoom room)> visit) const;

  // Visits the keys of what is kept under the id of a room besides its head, its current
  // state and its note, in order, from behind the key `after` ("" for the first) on.
  absl::Status ScanRemains(absl::string_view room_id, absl::string_view after,
                           absl::FunctionRef<bool(absl::string_view key)> visit) const;

  // The ids of the secrets that what is kept of a room is sealed with: an engine that seals
  // notes them.
  absl::StatusOr<std::vector<uint64_t>> ListRoomSecrets(absl::string_view room_id) const;

  // Visits the places in the state of rooms, staged ones too, that name the room
  // `linked_room_id`.
  absl::Status ScanLinks(
      absl::string_view linked_room_id,
      absl::FunctionRef<bool(std::string room_id, StatePosition position)> visit) const;

  absl::StatusOr<std::optional<Stored<PendingInviteRecord>>> GetPendingInvite(
      absl::string_view room_id, absl::string_view user_id) const;

  // Visits the pending invites by room, those of staged rooms too, from
  // behind `after` on.
  struct InvitedUser {
    std::string room_id;
    std::string user_id;
  };
  absl::Status ScanPendingInvites(
      const std::optional<InvitedUser>& after,
      absl::FunctionRef<bool(InvitedUser user, PendingInviteRecord record)> visit) const;

  absl::StatusOr<std::optional<Stored<AliasRecord>>> GetAlias(absl::string_view alias) const;

  // The aliases that point at the room, sorted.
  absl::StatusOr<std::vector<std::string>> ListAliases(absl::string_view room_id) const;

  // The keys of other servers that the room's events are signed with; none for a room
  // that was not imported.
  absl::StatusOr<RoomKeysRecord> GetRoomKeys(absl::string_view room_id) const;

  absl::StatusOr<std::optional<Stored<RequestRecord>>> GetRequest(const RequestKey& key) const;

  // Durable subscriptions, and how far they have come: both records are there, or
  // neither.
  absl::StatusOr<std::optional<Stored<SubscriptionRecord>>> GetSubscription(
      absl::string_view name) const;
  absl::StatusOr<std::optional<Stored<SubscriptionProgressRecord>>> GetSubscriptionProgress(
      absl::string_view name) const;

  // Visits the durable subscriptions in an order of the store's own, from behind `after` (""
  // for the first) on.
  absl::Status ScanSubscriptions(absl::string_view after,
                                 absl::FunctionRef<bool(SubscriptionRecord record)> visit) const;

  // Visits the progress of all durable subscriptions.
  absl::Status ScanSubscriptionProgress(
      absl::FunctionRef<bool(SubscriptionProgressRecord record)> visit) const;

  absl::StatusOr<std::optional<Stored<ParkedEventRecord>>> GetParkedEvent(absl::string_view name,
                                                                          int64_t sequence) const;

  // Visits the events that a durable subscription has parked by sequence, from behind
  // `after` on.
  absl::Status ScanParkedEvents(
      absl::string_view name, int64_t after,
      absl::FunctionRef<bool(int64_t sequence, ParkedEventRecord record)> visit) const;

  // What waits for an approval under this id.
  absl::StatusOr<std::optional<Stored<ApprovalRecord>>> GetApproval(
      absl::string_view approval_id) const;

  // Visits all that waits for an approval in the order of the ids, from behind `after` (""
  // for the first) on.
  absl::Status ScanApprovals(
      absl::string_view after,
      absl::FunctionRef<bool(std::string approval_id, Stored<ApprovalRecord> approval)> visit)
      const;

  // Up to `limit` requests that expired before `now`, oldest first.
  struct ExpiredRequest {
    RequestKey key;
    absl::Time expire_time;
  };
  absl::StatusOr<std::vector<ExpiredRequest>> ListExpiredRequests(absl::Time now,
                                                                  size_t limit) const;

 private:
  friend class RoomCommit;

  absl::StatusOr<std::optional<StateRecord>> GetSupersededState(absl::string_view room_id,
                                                                const StatePosition& position,
                                                                int64_t revision) const;

  std::unique_ptr<Snapshot> snapshot_;
};

// Gathers a commit. Not thread-safe.
class RoomCommit {
 public:
  // What a commit that came back ABORTED ran into.
  enum class Conflict {
    kRoomExists,           // CreateRoom, BeginStaging: the id is taken
    kRoomChanged,          // UpdateRoom, DeleteRoom, RequireRoom: somebody else changed the room
    kAliasTaken,           // CreateAlias: it exists; the others: it changed
    kInviteChanged,        // RequirePendingInvite: it was delivered, or is another one now
    kStagingChanged,       // RenewStaging, RequireStaging: it is somebody else's, or over
    kRequestRecorded,      // RecordRequest: the request was carried out already
    kSubscriptionExists,   // CreateSubscription: the name is taken
    kSubscriptionChanged,  // the others on subscriptions: somebody else changed it
    kApprovalChanged,      // CreateApproval: the id is taken; RequireApproval: it is over
  };

  // Writes the head of a new room, and its place on the list of public rooms.
  void CreateRoom(RoomRecord room);

  // Rewrites the head of a room that was read at `read_revision`, and its place on
  // the list of public rooms. Whoever changes more than its lease has raised its own revision
  // by one.
  void UpdateRoom(RoomRecord room, Revision read_revision);

  // Removes the head of a room that was read at `read_revision`, and its place on the list
  // of public rooms and among those that its creator has created, and notes that it was
  // deleted. Its aliases, and what the note stands for, are removed by the caller.
  void DeleteRoom(const RoomRecord& room, Revision read_revision);

  // Demands that the head of a room is as it was when it was read at `read_revision`.
  void RequireRoom(absl::string_view room_id, Revision read_revision);

  // Notes that a new room is going to be written in several commits, of which the last
  // has CreateRoom and EndStaging. Until then it has no head, and nobody sees it.
  void BeginStaging(absl::string_view room_id, const StagedRoomRecord& record);
  void EndStaging(absl::string_view room_id);

  // Rewrites that note, which was last written at `revision`.
  void RenewStaging(absl::string_view room_id, const StagedRoomRecord& record, Revision revision);

  // Demands that the note was last written at `revision`, or with 0 that there is none.
  void RequireStaging(absl::string_view room_id, Revision revision);

  // Writes a new event, the `number`th of a room. Those of one room are best put one behind
  // the other: then they are kept together.
  void PutEvent(absl::string_view room_id, int64_t number, EventRecord event);

  // Replaces what is stored of the `number`th event of a room; its id stays. At most once in a
  // commit for a room. Errors: those of `reader`, which sees the event.
  absl::Status RewriteEvent(const RoomReader& reader, absl::string_view room_id, int64_t number,
                            EventRecord event);

  // Sets an entry of a room's state; `superseded` is the one that stood there.
  void PutState(absl::string_view room_id, const StatePosition& position, const StateRecord& state,
                const std::optional<StateRecord>& superseded);

  // Removes an entry of the state of a room without a head, or what RoomReader::ScanRemains
  // has found of it.
  void EraseState(absl::string_view room_id, const StatePosition& position);
  void EraseRemains(absl::string_view key);

  // Forgets a secret of a room, which was destroyed.
  void ForgetRoomSecret(absl::string_view room_id, uint64_t id);

  // Replaces what is stored of an entry of a room's state that another took the place
  // of: that of the revision in `state`.
  void RewriteSupersededState(absl::string_view room_id, const StatePosition& position,
                              const StateRecord& state);

  // Writes the keys of other servers that the room's events are signed with.
  void PutRoomKeys(absl::string_view room_id, const RoomKeysRecord& keys);

  // Points a free alias at a room.
  void CreateAlias(absl::string_view alias, const AliasRecord& record);

  // Points an alias, read at `read_revision`, from `old_room_id` at another
  // room.
  void MoveAlias(absl::string_view alias, absl::string_view old_room_id, const AliasRecord& record,
                 Revision read_revision);

  // Goes through only if an alias, read at `read_revision`, is still as it was.
  void RequireAlias(absl::string_view alias, Revision read_revision);

  // Frees an alias of a room that was read at `read_revision`.
  void DeleteAlias(absl::string_view alias, absl::string_view room_id, Revision read_revision);

  // Notes that a place in a room's state names the room `linked_room_id`, or no
  // longer does.
  void SetLink(absl::string_view linked_room_id, absl::string_view room_id,
               const StatePosition& position, bool linked);

  // Notes that an invite waits for its delivery, or no longer does.
  void PutPendingInvite(absl::string_view room_id, absl::string_view user_id,
                        const PendingInviteRecord& invite);
  void ForgetPendingInvite(absl::string_view room_id, absl::string_view user_id);

  // Demands that the invite is as it was when it was read at `read_revision`.
  void RequirePendingInvite(absl::string_view room_id, absl::string_view user_id,
                            Revision read_revision);

  // Notes in a user's list of rooms their membership, "join", "invite" or "knock",
  // or with another membership takes the room off the list.
  void SetUserRoom(absl::string_view user_id, absl::string_view room_id,
                   absl::string_view membership);

  // Notes that a user has created a room, for CountRoomsCreatedBy.
  void NoteCreatedRoom(absl::string_view creator, absl::string_view room_id);

  // Notes that the room's status is UPGRADING, or no longer.
  void SetLocked(absl::string_view room_id, bool locked);

  // Writes a new durable subscription.
  void CreateSubscription(const SubscriptionRecord& record,
                          const SubscriptionProgressRecord& progress);

  // Rewrites a durable subscription that was read at `read_revision`.
  void UpdateSubscription(const SubscriptionRecord& record, Revision read_revision);

  // Demands that a durable subscription is as it was when it was read at
  // `read_revision`.
  void RequireSubscription(absl::string_view name, Revision read_revision);

  // Rewrites how far a durable subscription has come, which was read at
  // `read_revision`.
  void UpdateSubscriptionProgress(absl::string_view name,
                                  const SubscriptionProgressRecord& progress,
                                  Revision read_revision);

  // Removes a durable subscription whose two records were read at these revisions.
  // Whoever changes its parked events changes its progress, too; they are removed by
  // the caller.
  void DeleteSubscription(absl::string_view name, Revision read_revision,
                          Revision progress_read_revision);

  // Writes, or removes, an event that a durable subscription has parked. The commit must
  // have its progress, too, which has the count.
  void PutParkedEvent(absl::string_view name, int64_t sequence, const ParkedEventRecord& record);
  void EraseParkedEvent(absl::string_view name, int64_t sequence);

  // Writes what waits for an approval from now on, or removes it.
  void CreateApproval(absl::string_view approval_id, const ApprovalRecord& record);
  void EraseApproval(absl::string_view approval_id);

  // Demands that it still waits, as it was read at `read_revision`.
  void RequireApproval(absl::string_view approval_id, Revision read_revision);

  // Records a request that this commit carries out.
  void RecordRequest(const RequestKey& key, const RequestRecord& record);

  // Forgets an expired request.
  void ForgetRequest(const RoomReader::ExpiredRequest& request);

  // Appends an entry to the log.
  void AppendLog(std::string payload);

  // Lets the commit through though the disk has less room left than it should: for what
  // makes room.
  void UseReserve() { request_.may_use_reserve = true; }

  // A room that the commit makes, changes or deletes, by its own revisions before and behind it; 0
  // where it is not there.
  struct RoomChange {
    std::string room_id;
    int64_t revision_before = 0;
    int64_t revision_after = 0;
  };
  const std::vector<RoomChange>& room_changes() const { return room_changes_; }

  // Appends an entry to the audit log.
  void AppendAudit(std::string payload);

  // True if nothing was gathered, audit entries aside.
  bool empty() const {
    return request_.writes.empty() && request_.log_entries.empty() && run_.events.events().empty();
  }

  // Ends the gathering.
  CommitRequest Take();

  // What `result`, the ABORTED result of what Take() returned, ran into.
  Conflict ConflictOf(const CommitResult& result) const;

 private:
  void Require(Precondition precondition, Conflict conflict);
  void UpdateListing(RoomRecord& room);
  void Put(std::string key, std::string value);
  void PutOrDelete(std::string key, bool put);

  // Puts the run of events that is being gathered.
  void FlushEvents();

  // Consecutive events of a room.
  struct Run {
    std::string room_id;
    int64_t last = 0;  // the number of the last one
    size_t bytes = 0;
    EventsRecord events;
  };

  CommitRequest request_;
  Run run_;
  std::vector<Conflict> conflicts_;  // of each precondition
  std::vector<RoomChange> room_changes_;
};

// Returns the setting `name`, made from `initial` the first time. Blocks.
absl::StatusOr<std::string> LoadOrCreateSetting(Engine& engine, absl::string_view name,
                                                std::string initial);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_ROOM_STORE_H_
