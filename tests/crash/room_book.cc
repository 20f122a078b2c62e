#include "tests/crash/room_book.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"

namespace innkeeper::crash {
namespace {

using google::protobuf::util::MessageDifferencer;
using nlohmann::json;

using StateKey = std::pair<std::string, std::string>;

// The id of the event that an entry of the log tells of.
std::string IdOf(const v1::RoomEvent& event) {
  switch (event.payload_case()) {
    case v1::RoomEvent::kRoomEventSent:
      return event.room_event_sent().event_id();
    case v1::RoomEvent::kRoomStateChanged:
      return event.room_state_changed().event_id();
    case v1::RoomEvent::kRoomMemberChanged:
      return event.room_member_changed().event_id();
    case v1::RoomEvent::kRoomEventRedacted:
      return event.room_event_redacted().redaction_event_id();
    default:
      return event.type();
  }
}

json ToJson(const google::protobuf::Struct& content) {
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(content, &text);
  return status.ok() ? json::parse(text) : json();
}

// What is signed of an event is what a redaction leaves.
bool AreOneEvent(const std::string& pdu, const std::string& redacted_pdu) {
  return json::parse(pdu).at("signatures") == json::parse(redacted_pdu).at("signatures");
}

std::string MembershipIn(const v1::TimelineEvent& event) {
  const auto membership = event.content().fields().find("membership");
  return membership == event.content().fields().end() ? "" : membership->second.string_value();
}

}  // namespace

RoomBook::RoomBook(std::string room_id, const TestClient& admin, Violations& violations)
    : room_id_(std::move(room_id)), violations_(violations) {
  TakeTimeline(ReadTimeline(admin));
  created_ = timeline_.size();
}

void RoomBook::AddWrite(RoomWrite write) {
  write_by_mark_.emplace(write.request.mark, writes_.size());
  writes_.push_back(std::move(write));
}

void RoomBook::AddExport(ExportedRoom exported) { exports_.push_back(std::move(exported)); }

void RoomBook::AddLogged(const v1::RoomEvent& event) {
  if (!event.has_room_created()) logged_.push_back(IdOf(event));
}

void RoomBook::Repeat(const TestClient& backend) {
  for (; repeated_ < writes_.size(); ++repeated_) {
    RoomWrite& write = writes_[repeated_];
    if (write.request.request_id.empty() || write.outcome == Outcome::kRefused) continue;
    if (write.outcome == Outcome::kUnknown) Attempt(backend, write);
    RoomWrite again{{.request = write.request}};
    Attempt(backend, again);
    Expect(write.outcome == Outcome::kDone && again.outcome == Outcome::kDone &&
               again.response == write.response,
           "answered the request ", write.request.mark, " with \"", write.response, write.reason,
           "\" and with \"", again.response, again.reason, "\"");
  }
}

void RoomBook::Check(const TestClient& admin) {
  TakeTimeline(ReadTimeline(admin));
  CheckWrites();
  CheckOrder();
  CheckState(admin);
  CheckLogged();
  CheckExports(admin);
}

std::vector<v1::TimelineEvent> RoomBook::ReadTimeline(const TestClient& admin) {
  v1::ListEventsRequest request;
  request.set_room_id(room_id_);
  request.set_direction(v1::TIMELINE_DIRECTION_FORWARD);
  request.set_page_size(1000);
  std::vector<v1::TimelineEvent> timeline;
  do {
    const Reply<v1::ListEventsResponse> page = admin.ListEvents(request);
    if (!Expect(page.ok(), "can't be read: ", page.status.error_message())) break;
    timeline.insert(timeline.end(), page.response.events().begin(), page.response.events().end());
    request.set_page_token(page.response.next_page_token());
  } while (!request.page_token().empty());
  return timeline;
}

void RoomBook::TakeTimeline(std::vector<v1::TimelineEvent> timeline) {
  Expect(timeline.size() >= timeline_.size(), "had ", timeline_.size(), " events, and now has ",
         timeline.size());
  std::set<std::string> ids;
  redactions_.clear();
  for (size_t i = 0; i < timeline.size(); ++i) {
    const v1::TimelineEvent& event = timeline[i];
    Expect(event.number() == static_cast<int64_t>(i) + 1, "has event ", event.number(),
           " in the place ", i + 1);
    Expect(ids.insert(event.event_id()).second, "has twice: ", event.event_id());
    Expect(i >= timeline_.size() || timeline_[i].event_id() == event.event_id(),
           "has another event ", i + 1, " than before");
    if (!event.redacts().empty()) redactions_.emplace(event.redacts(), i);
  }
  timeline_ = std::move(timeline);
}

const RoomWrite* RoomBook::WriteOf(const v1::TimelineEvent& event) const {
  const auto by_mark = write_by_mark_.find(MarkOf(event));
  if (by_mark != write_by_mark_.end()) return &writes_[by_mark->second];
  // A redaction leaves no mark; only what was acknowledged is redacted.
  const auto redacted = std::find_if(writes_.begin(), writes_.end(), [&](const RoomWrite& write) {
    return write.outcome == Outcome::kDone && write.response == event.event_id();
  });
  return redacted == writes_.end() ? nullptr : &*redacted;
}

void RoomBook::CheckWrites() {
  std::map<const RoomWrite*, int> times;
  for (size_t i = created_; i < timeline_.size(); ++i) {
    const RoomWrite* const write = WriteOf(timeline_[i]);
    if (!Expect(write != nullptr, "has event ", i + 1, ", which nobody asked for")) continue;
    ++times[write];
    CheckEvent(*write, timeline_[i]);
  }
  for (const RoomWrite& write : writes_) CheckOutcome(write, times[&write]);
}

void RoomBook::CheckOutcome(const RoomWrite& write, int times) {
  const std::string& mark = write.request.mark;
  switch (write.outcome) {
    case Outcome::kUnknown:
      Expect(times <= 1, "has ", times, " events of the write ", mark, ", which got no answer");
      return;
    case Outcome::kDone:
      Expect(times == 1, "has ", times, " events of the write ", mark, ", which was acknowledged");
      return;
    case Outcome::kRefused:
      Expect(times == 0, "has an event of the write ", mark, ", which was refused");
      Expect(write.reason == "SHUTTING_DOWN" || write.reason == "CONFLICT", "refused the write ",
             mark, ": ", write.reason);
  }
}

void RoomBook::CheckEvent(const RoomWrite& write, const v1::TimelineEvent& event) {
  v1::TimelineEvent wanted = write.request.event;
  wanted.set_event_id(write.outcome == Outcome::kDone ? write.response : event.event_id());
  *wanted.mutable_origin_server_time() = event.origin_server_time();
  wanted.set_number(event.number());
  wanted.set_revision(event.revision());
  const auto redaction = redactions_.find(event.event_id());
  if (redaction != redactions_.end()) {
    wanted.set_redacted_by(timeline_[redaction->second].event_id());
    wanted.mutable_content()->Clear();
  }
  v1::TimelineEvent found = event;
  // From version 11 on this stands in the content.
  if (!found.redacts().empty()) found.mutable_content()->mutable_fields()->erase("redacts");
  Expect(MessageDifferencer::Equals(wanted, found), "has event ", event.number(), " {",
         event.ShortDebugString(), "} instead of {", wanted.ShortDebugString(), "}");
}

// What was answered before another was asked for comes before it.
void RoomBook::CheckOrder() {
  const RoomWrite* latest = nullptr;
  for (size_t i = created_; i < timeline_.size(); ++i) {
    const RoomWrite* const write = WriteOf(timeline_[i]);
    if (write == nullptr) continue;
    Expect(latest == nullptr || write->answered > latest->begun, "has the write ",
           write->request.mark, " behind ", latest == nullptr ? "" : latest->request.mark,
           ", which was asked for when that was acknowledged");
    if (latest == nullptr || write->begun > latest->begun) latest = write;
  }
}

void RoomBook::CheckState(const TestClient& admin) {
  std::map<StateKey, const v1::TimelineEvent*> wanted;
  for (const v1::TimelineEvent& event : timeline_) {
    if (event.has_state_key()) wanted[{event.type(), event.state_key()}] = &event;
  }
  std::map<std::string, int64_t> members;  // by membership
  for (const auto& [key, event] : wanted) {
    if (key.first == "m.room.member") ++members[MembershipIn(*event)];
  }
  const std::map<StateKey, v1::StateEvent> state = admin.State(room_id_);
  for (const auto& [key, event] : wanted) {
    const auto found = state.find(key);
    Expect(found != state.end() && found->second.event_id() == event->event_id() &&
               MessageDifferencer::Equals(found->second.content(), event->content()),
           "does not have event ", event->number(), " as its ", key.first, " \"", key.second, "\"");
  }
  Expect(state.size() == wanted.size(), "has a state of ", state.size(), " entries instead of ",
         wanted.size());
  const v1::Room room = admin.Room(room_id_);
  Expect(room.joined_member_count() == members["join"] &&
             room.invited_member_count() == members["invite"],
         "counts other members than it has");
}

void RoomBook::CheckLogged() {
  std::vector<std::string> wanted;
  for (size_t i = created_; i < timeline_.size(); ++i) wanted.push_back(timeline_[i].event_id());
  Expect(logged_ == wanted, "has ", wanted.size(), " events, and the event log tells of ",
         logged_.size(), ", or of others");
}

void RoomBook::CheckExports(const TestClient& admin) {
  v1::ExportRoomRequest request;
  request.set_room_id(room_id_);
  const ExportedRoom now = admin.ExportRoom(request);
  Expect(now.status.ok(), "can't be exported: ", now.status.error_message());
  CheckWhole(now.pdus);
  for (const ExportedRoom& exported : std::exchange(exports_, {})) {
    const auto count = static_cast<int64_t>(exported.pdus.size());
    Expect(exported.status.ok() ? count == exported.header.event_count()
                                : count <= exported.header.event_count() &&
                                      (IsUnanswered(exported.status) ||
                                       ReasonOf(exported.status) == "SHUTTING_DOWN"),
           "was exported with ", count, " events of ", exported.header.event_count(), ": ",
           exported.status.error_message());
    CheckBeginning(exported.pdus, now.pdus);
  }
  CheckBeginning(exported_, now.pdus);
  exported_ = now.pdus;
}

void RoomBook::CheckWhole(const std::vector<std::string>& pdus) {
  if (!Expect(pdus.size() == timeline_.size(), "has ", timeline_.size(), " events, and exports ",
              pdus.size())) {
    return;
  }
  for (size_t i = 0; i < pdus.size(); ++i) {
    const json pdu = json::parse(pdus[i]);
    Expect(pdu.at("type") == timeline_[i].type() && pdu.at("sender") == timeline_[i].sender() &&
               pdu.at("content") == ToJson(timeline_[i].content()),
           "exports another event ", i + 1, " than it has: ", pdus[i]);
  }
}

void RoomBook::CheckBeginning(const std::vector<std::string>& pdus,
                              const std::vector<std::string>& now) {
  if (!Expect(pdus.size() <= now.size(), "was exported with ", pdus.size(), " events, and now ",
              now.size())) {
    return;
  }
  for (size_t i = 0; i < pdus.size(); ++i) {
    const bool was_redacted = i < timeline_.size() && !timeline_[i].redacted_by().empty();
    Expect(pdus[i] == now[i] || (was_redacted && AreOneEvent(pdus[i], now[i])),
           "was exported with another event ", i + 1, ": ", pdus[i]);
  }
}

}  // namespace innkeeper::crash
