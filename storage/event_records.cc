// The parts of RoomReader and RoomCommit that are about rooms' events. Those that come together
// are kept together, in runs: a key and a seal cost more than most events have bytes.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "storage/keys.h"
#include "storage/record_codec.h"
#include "storage/room_store.h"

namespace innkeeper::storage {
namespace {

// Of a record that is a run; one of kRecordVersion is an event by itself.
constexpr char kRunVersion = 2;

// A run takes no more events once they have this many bytes: whoever wants one of them has to
// read them all.
constexpr size_t kFullRunBytes = 8 << 10;

// Consecutive events of a room.
struct EventRun {
  int64_t first = 0;  // the number of the first one
  EventsRecord record;

  // The number behind that of the last one.
  int64_t end() const { return first + record.events_size(); }
};

std::string EventsKey(absl::string_view room_id, int64_t last) {
  return KeyBuilder(Table::kEvent).Str(room_id).U64(static_cast<uint64_t>(last)).Build();
}

// The start of the key of an event's id.
std::string EventIdPrefix(absl::string_view room_id, absl::string_view event_id) {
  return KeyBuilder(Table::kEventId).Str(room_id).Str(event_id).Build();
}

absl::StatusOr<EventsRecord> DecodeEvents(absl::string_view key, absl::string_view value) {
  EventsRecord record;
  if (!value.empty() && value[0] == kRunVersion) {
    value.remove_prefix(1);
    const bool parsed = record.ParseFromArray(value.data(), static_cast<int>(value.size()));
    if (!parsed || record.events().empty()) return Damaged(key);
    return record;
  }
  absl::StatusOr<EventRecord> event = Decode<EventRecord>(key, value);
  if (!event.ok()) return event.status();
  *record.add_events() = *std::move(event);
  return record;
}

absl::StatusOr<EventRun> DecodeRun(absl::string_view key, absl::string_view value) {
  KeyReader reader(key);
  reader.Str();  // the room id
  const std::optional<uint64_t> last = reader.U64();
  absl::StatusOr<EventsRecord> record = DecodeEvents(key, value);
  if (!record.ok()) return record.status();
  if (!last || *last < static_cast<uint64_t>(record->events_size())) return Damaged(key);
  const int64_t first = static_cast<int64_t>(*last) - record->events_size() + 1;
  return EventRun{first, *std::move(record)};
}

// Visits the runs of a room that end at the `first`th event or behind it.
absl::Status ScanRuns(const Snapshot& snapshot, absl::string_view room_id, int64_t first,
                      absl::FunctionRef<bool(EventRun run)> visit) {
  const std::string end = PrefixEnd(KeyBuilder(Table::kEvent).Str(room_id).Build());
  absl::Status status;
  absl::Status scanned =
      snapshot.Scan(EventsKey(room_id, first), end,
                    [&](absl::string_view key, absl::string_view value, Revision) {
                      absl::StatusOr<EventRun> run = DecodeRun(key, value);
                      status = run.status();
                      return status.ok() && visit(*std::move(run));
                    });
  return scanned.ok() ? status : scanned;
}

// The run that has the `number`th event of a room.
absl::StatusOr<std::optional<EventRun>> FindRun(const Snapshot& snapshot, absl::string_view room_id,
                                                int64_t number) {
  std::optional<EventRun> found;
  absl::Status scanned = ScanRuns(snapshot, room_id, number, [&](EventRun run) {
    if (run.first <= number) found = std::move(run);
    return false;
  });
  if (!scanned.ok()) return scanned;
  return found;
}

}  // namespace

absl::Status RoomReader::ScanEvents(
    absl::string_view room_id, int64_t first,
    absl::FunctionRef<bool(int64_t number, EventRecord event)> visit) const {
  return ScanRuns(*snapshot_, room_id, first, [&](EventRun run) {
    for (int64_t number = std::max(first, run.first); number < run.end(); ++number) {
      EventRecord& event = *run.record.mutable_events(static_cast<int>(number - run.first));
      if (!visit(number, std::move(event))) return false;
    }
    return true;
  });
}

absl::StatusOr<std::optional<EventRecord>> RoomReader::GetEvent(absl::string_view room_id,
                                                                int64_t number) const {
  auto run = FindRun(*snapshot_, room_id, number);
  if (!run.ok()) return run.status();
  if (!run->has_value()) return std::nullopt;
  return std::move(*(*run)->record.mutable_events(static_cast<int>(number - (*run)->first)));
}

absl::StatusOr<std::optional<int64_t>> RoomReader::GetEventNumber(
    absl::string_view room_id, absl::string_view event_id) const {
  const std::string prefix = EventIdPrefix(room_id, event_id);
  absl::StatusOr<std::optional<int64_t>> number = std::nullopt;
  absl::Status scanned = snapshot_->Scan(
      prefix, PrefixEnd(prefix), [&](absl::string_view key, absl::string_view value, Revision) {
        if (key == prefix) {  // from when the number was the value
          const auto record = Decode<EventNumberRecord>(key, value);
          number = record.ok() ? absl::StatusOr<std::optional<int64_t>>(record->number())
                               : record.status();
        } else {
          const std::optional<uint64_t> read = KeyReader(key.substr(prefix.size() - 1)).U64();
          number = read ? absl::StatusOr<std::optional<int64_t>>(static_cast<int64_t>(*read))
                        : Damaged(key);
        }
        return false;
      });
  if (!scanned.ok()) return scanned;
  if (!number.ok() || number->has_value()) return number;

  const auto run = FindRun(*snapshot_, room_id, 1);
  if (!run.ok()) return run.status();
  if (!run->has_value()) return std::nullopt;
  const auto& events = (*run)->record.events();
  const auto event = absl::c_find_if(
      events, [&](const EventRecord& candidate) { return candidate.event_id() == event_id; });
  if (event == events.end()) return std::nullopt;
  return 1 + (event - events.begin());
}

void RoomCommit::PutEvent(absl::string_view room_id, int64_t number, EventRecord event) {
  const bool goes_on = run_.room_id == room_id && run_.last + 1 == number;
  if (!goes_on || run_.bytes >= kFullRunBytes) {
    FlushEvents();
    run_.room_id = std::string(room_id);
  }
  run_.last = number;
  run_.bytes += event.ByteSizeLong();
  const bool is_in_first_run = run_.last == run_.events.events_size() + 1;
  if (!is_in_first_run) {
    PutOrDelete(KeyBuilder(Table::kEventId)
                    .Str(room_id)
                    .Str(event.event_id())
                    .U64(static_cast<uint64_t>(number))
                    .Build(),
                true);
  }
  *run_.events.add_events() = std::move(event);
}

void RoomCommit::FlushEvents() {
  if (run_.events.events().empty()) return;
  Put(EventsKey(run_.room_id, run_.last), Encode(run_.events, kRunVersion));
  run_ = Run();
}

absl::Status RoomCommit::RewriteEvent(const RoomReader& reader, absl::string_view room_id,
                                      int64_t number, EventRecord event) {
  auto run = FindRun(*reader.snapshot_, room_id, number);
  if (!run.ok()) return run.status();
  if (!run->has_value()) return Damaged(EventsKey(room_id, number));
  EventsRecord& record = (*run)->record;
  *record.mutable_events(static_cast<int>(number - (*run)->first)) = std::move(event);
  Put(EventsKey(room_id, (*run)->end() - 1), Encode(record, kRunVersion));
  return absl::OkStatus();
}

}  // namespace innkeeper::storage
