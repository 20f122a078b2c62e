#include "server/rooms/room_import.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/event_judge.h"

namespace innkeeper::rooms {
namespace {

// The version of which an m.room.create of a room that should be of `version` says that
// it is; without a word it is 1, unless a redaction took the word away.
std::string VersionIn(const ReceivedEvent& create, const RoomVersion& version) {
  const Json* const named = FindMember(create.event.content, "room_version");
  if (named == nullptr) return create.redacted ? std::string(version.id) : "1";
  return named->is_string() ? named->get<std::string>() : "";
}

}  // namespace

void RoomImport::Add(absl::string_view pdu) {
  const size_t position = added_++;
  absl::StatusOr<ReceivedEvent> received = ParsePdu(version_, pdu);
  if (!received.ok()) return Refuse(position, "", std::string(received.status().message()));
  const Event& event = received->event;
  const absl::Status status = CheckOrigin(*received);
  if (!status.ok()) return Refuse(position, event.event_id, std::string(status.message()));

  const auto [it, added] = by_id_.emplace(event.event_id, candidates_.size());
  if (added) {
    candidates_.push_back({*std::move(received), position});
    return;
  }
  Candidate& same = candidates_[it->second];
  if (same.received.event.reference_hash != event.reference_hash) {
    Refuse(position, event.event_id, "has the id of another event of the export");
  } else if (same.received.redacted && !received->redacted) {
    same.received = *std::move(received);
  }
}

void RoomImport::Refuse(size_t position, std::string event_id, std::string reason) {
  refused_.push_back({position, std::move(event_id), std::move(reason)});
}

absl::Status RoomImport::CheckOrigin(const ReceivedEvent& received) {
  const Event& event = received.event;
  if (event.room_id != room_id_) {
    return absl::InvalidArgumentError(absl::StrCat("is of the room ", event.room_id));
  }
  if (event.type == "m.room.create" && VersionIn(received, version_) != version_.id) {
    return absl::InvalidArgumentError(
        absl::StrCat("makes a room of version \"", VersionIn(received, version_), "\""));
  }
  std::set<std::string> signers;
  for (const std::string& server : received.required_signers) {
    if (server.empty()) {
      return absl::InvalidArgumentError("wants the signature of a server that it does not name");
    }
    (verify_keys_.contains(server) ? signers : unverified_servers_).insert(server);
  }
  if (signers.empty()) return absl::OkStatus();
  Json pdu = PduJson(version_, event);
  pdu["signatures"] = received.signatures;
  return CheckSignaturesOf(signers, version_, pdu, verify_keys_);
}

RoomImport::Sequence RoomImport::Arrange() const {
  Sequence sequence;
  sequence.followers.resize(candidates_.size());
  std::vector<size_t> missing(candidates_.size());  // how many of those it refers to
  std::vector<std::vector<size_t>> referring(candidates_.size());
  for (size_t i = 0; i < candidates_.size(); ++i) {
    const Event& event = candidates_[i].received.event;
    for (const auto* references : {&event.prev_events, &event.auth_events}) {
      for (const EventReference& reference : *references) {
        const auto it = by_id_.find(reference.event_id);
        if (it == by_id_.end()) continue;
        ++missing[i];
        referring[it->second].push_back(i);
        if (references == &event.prev_events) ++sequence.followers[it->second];
      }
    }
  }

  // Of events that could come next the one of the least depth, for that is the order in
  // which they were sent; then by id, so that the order of the export is of no matter.
  using Next = std::tuple<int64_t, absl::string_view, size_t>;
  std::priority_queue<Next, std::vector<Next>, std::greater<>> next;
  const auto add = [&](size_t i) {
    const Event& event = candidates_[i].received.event;
    next.emplace(event.depth, event.event_id, i);
  };
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (missing[i] == 0) add(i);
  }
  while (!next.empty()) {
    const size_t i = std::get<size_t>(next.top());
    next.pop();
    sequence.order.push_back(i);
    for (const size_t other : referring[i]) {
      if (--missing[other] == 0) add(other);
    }
  }
  return sequence;
}

absl::StatusOr<std::vector<RoomImport::Candidate>> RoomImport::JudgeAll(EventJudge& judge) {
  const Sequence sequence = Arrange();
  std::vector<Candidate> candidates = std::move(candidates_);
  std::vector<Candidate> judged;
  judged.reserve(candidates.size());
  for (const size_t i : sequence.order) {
    Candidate candidate = std::move(candidates[i]);
    std::string event_id = candidate.received.event.event_id;
    const absl::Status status =
        judge.Judge(std::move(candidate.received.event), sequence.followers[i]);
    if (absl::IsResourceExhausted(status)) return absl::InvalidArgumentError(status.message());
    if (!status.ok()) {
      Refuse(candidate.position, std::move(event_id), std::string(status.message()));
    }
    if (!absl::IsFailedPrecondition(status)) judged.push_back(std::move(candidate));
  }
  if (sequence.order.size() == candidates.size()) return judged;
  const absl::flat_hash_set<size_t> ordered(sequence.order.begin(), sequence.order.end());
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (ordered.contains(i)) continue;
    Refuse(candidates[i].position, candidates[i].received.event.event_id,
           "refers to events that refer to it");
  }
  return judged;
}

absl::StatusOr<ImportedRoom> RoomImport::Finish() && {
  EventJudge judge(version_);
  absl::StatusOr<std::vector<Candidate>> all_judged = JudgeAll(judge);
  if (!all_judged.ok()) return all_judged.status();
  std::vector<Candidate>& judged = *all_judged;
  std::sort(refused_.begin(), refused_.end(),
            [](const auto& a, const auto& b) { return a.position < b.position; });
  if (!judge.create()) {
    std::string message = "has no m.room.create that can be accepted";
    if (!refused_.empty()) {
      absl::StrAppend(&message, "; the first event that was refused: ", refused_.front().reason);
    }
    return absl::InvalidArgumentError(message);
  }

  const std::vector<EventIndex> latest = judge.LatestEvents();
  if (latest.size() > kMaxPrevEvents) {
    return absl::InvalidArgumentError(
        absl::StrCat("ends in ", latest.size(), " branches, of which there may be at most ",
                     kMaxPrevEvents, ": an event that the old server sends there joins them"));
  }

  ImportedRoom room{.refused = std::move(refused_),
                    .unverified_servers = std::move(unverified_servers_)};
  const StateSet state = judge.LatestState();
  for (const EventIndex index : latest) {
    const Event& event = judge.graph().event(index);
    room.latest_events.push_back(ReferenceTo(version_, event));
    room.depth = std::max(room.depth, event.depth);
  }
  std::reverse(room.latest_events.begin(), room.latest_events.end());
  const std::vector<EventJudge::Redaction> redactions = judge.Redactions();
  std::vector<Event> events = judge.TakeEvents();
  for (EventIndex index = 0; index < events.size(); ++index) {
    judged[index].received.event = std::move(events[index]);
  }
  for (const auto& [redaction, redacted] : redactions) {
    if (!judged[redacted].received.redacted_by.empty()) continue;
    Redact(version_, judged[redacted].received, judged[redaction].received.event.event_id);
  }
  state.ForEach([&](PlaceIndex, EventIndex index) {
    ApplyEvent(room.state, version_, judged[index].received.event);
  });
  for (EventIndex index = 0; index < judged.size(); ++index) {
    if (!judge.rejected(index)) room.events.push_back(std::move(judged[index].received));
  }
  return room;
}

}  // namespace innkeeper::rooms
