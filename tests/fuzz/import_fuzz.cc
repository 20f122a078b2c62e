// Imports of rooms. The first line of an input is a room version and the servers whose keys the
// header has; then come events, one a line. An event is an object of
//
//   type, sender, state_key, content, depth, time   as in a PDU
//   prev, auth     the places of other events among the lines, from 0
//   redacts        the place of the event that an m.room.redaction takes back
//   spoil          members that are put in when all is hashed and signed
//
// so that a change makes another room rather than a wrong hash. A line that is no object is taken
// as a PDU.

#include <glog/logging.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "server/base/audience.h"
#include "server/lifecycle/export_room.h"
#include "server/lifecycle/import_room.h"
#include "server/rooms/event.h"
#include "server/rooms/signing.h"
#include "storage/engine.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/server/rooms/random_room.h"
#include "tests/server/rooms/signed_pdus.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::fuzz {
namespace {

using rooms::CanonicalJson;
using rooms::Event;
using rooms::Json;
using rooms::RoomVersion;

constexpr char kServer[] = "a.example";
constexpr char kRoom[] = "!room:a.example";
constexpr size_t kMaxEvents = 60;

// An empty store.
storage::Engine& Store() {
  static const TempDir& dir = *new TempDir(TempDir::Place::kMemory);
  static storage::Engine& engine = *storage::OpenTestEngine(dir.File("data")).release();
  return engine;
}

const rooms::SigningKey& Key() {
  static const rooms::SigningKey& key = *new rooms::SigningKey(rooms::KeyOf(kServer));
  return key;
}

using Records = std::map<std::string, std::string>;

Records StoredRecords() {
  Records records;
  CHECK(Store()
            .NewSnapshot()
            ->Scan(std::string(1, '\0'), "\xFF",
                   [&](absl::string_view key, absl::string_view value, storage::Revision) {
                     records.emplace(key, value);
                     return true;
                   })
            .ok());
  return records;
}

void EmptyStore() {
  storage::CommitRequest request;
  for (auto& [key, value] : StoredRecords()) request.writes.push_back({key, std::nullopt});
  CHECK(CommitAndWait(Store(), std::move(request)).status.ok());
}

// What is sent to import a room.
struct Upload {
  v1::RoomImportHeader header;
  std::vector<std::string> pdus;
};

// What became of it.
using Outcome = absl::StatusOr<v1::ImportRoomResponse>;

Outcome Send(const Upload& upload) {
  static const Clock& clock = *new Clock([] { return absl::FromUnixSeconds(1'700'000'000); });
  static lifecycle::RoomImporter& importer =
      *new lifecycle::RoomImporter(Store(), clock, Key(), {.staging = {.instance_name = "fuzz"}});
  lifecycle::RoomUpload room = importer.Begin();
  v1::ImportRoomRequest message;
  *message.mutable_header() = upload.header;
  absl::Status taken = room.Take(message);
  for (const std::string& pdu : upload.pdus) {
    if (!taken.ok()) return taken;
    message.mutable_events()->clear_pdus();
    message.mutable_events()->add_pdus(pdu);
    taken = room.Take(message);
  }
  if (!taken.ok()) return taken;
  return room.Finish();
}

// Imports into the empty store. What is refused, or only looked at, leaves nothing.
Outcome Import(const Upload& upload) {
  const storage::LogPosition head = Store().log_bounds().head;
  Outcome outcome = Send(upload);
  const bool written = outcome.ok() && !upload.header.validate_only();
  if (!written) CHECK(StoredRecords().empty()) << outcome.status();
  CHECK_EQ(Store().log_bounds().head, head + (written ? 1 : 0));
  if (!outcome.ok()) CHECK(absl::IsInvalidArgument(outcome.status())) << outcome.status();
  return outcome;
}

// The room that was imported, as it is exported; the store is empty then.
Upload ExportAndEmpty(const std::string& room_id) {
  const lifecycle::RoomExporter exporter(Store(), Key());
  v1::ExportRoomRequest request;
  request.set_room_id(room_id);
  auto room = exporter.Begin(request, AudienceScope::All());
  CHECK(room.ok()) << room.status();
  Upload upload;
  while (true) {
    const auto next = room->Next();
    CHECK(next.ok()) << next.status();
    if (!next->has_value()) break;
    if ((*next)->has_header()) {
      const v1::RoomExportHeader& header = (*next)->header();
      upload.header.set_room_id(header.room_id());
      upload.header.set_room_version(header.room_version());
      upload.header.set_event_count(header.event_count());
      *upload.header.mutable_verify_keys() = header.verify_keys();
    }
    for (const std::string& pdu : (*next)->events().pdus()) upload.pdus.push_back(pdu);
  }
  EmptyStore();
  return upload;
}

// Writes the events that an input describes.
class Author {
 public:
  Author(const RoomVersion& version, std::set<std::string> servers)
      : version_(version), servers_(std::move(servers)) {}

  void Write(const std::string& line) {
    const auto draft = rooms::ParseJson(line, rooms::JsonNumbers::kAny);
    if (!draft.ok() || !draft->is_object()) {
      pdus_.push_back(line);
      plain_ = false;
      return;
    }
    const Event event = Build(*draft);
    plain_ &= ids_.insert(event.event_id).second && !draft->contains("spoil");
    if (event.type == "m.room.create" && events_.empty()) room_id_ = event.room_id;
    Json pdu = Signed(event);
    if (const Json* const spoil = rooms::FindMember(*draft, "spoil")) pdu.update(ObjectOf(*spoil));
    events_.push_back(event);
    pdus_.push_back(CanonicalJson(pdu));
  }

  const std::string& room_id() const { return room_id_; }
  const std::vector<std::string>& pdus() const { return pdus_; }

  // Whether no two events are the same, in whatever form.
  bool plain() const { return plain_; }

 private:
  static Json ObjectOf(const Json& value) { return value.is_object() ? value : Json::object(); }

  static int64_t IntegerOr(const Json& draft, const char* key, int64_t fallback) {
    const Json* const value = rooms::FindMember(draft, key);
    return value != nullptr && value->is_number_integer() ? value->get<int64_t>() : fallback;
  }

  Event Build(const Json& draft) const {
    Event event;
    event.event_id = absl::StrCat("$", events_.size(), ":a.example");
    event.room_id = room_id_;
    event.type = rooms::StringOrEmpty(draft, "type");
    event.sender = rooms::StringOrEmpty(draft, "sender");
    if (draft.contains("state_key")) event.state_key = rooms::StringOrEmpty(draft, "state_key");
    event.content = ObjectOf(draft.value("content", Json::object()));
    event.origin_server_ts = IntegerOr(draft, "time", static_cast<int64_t>(events_.size()));
    event.depth = IntegerOr(draft, "depth", static_cast<int64_t>(events_.size()) + 1);
    event.prev_events = References(draft, "prev");
    event.auth_events = References(draft, "auth");
    if (const Event* const target = At(IntegerOr(draft, "redacts", -1))) {
      if (version_.redacts_in_content) {
        event.content["redacts"] = target->event_id;
      } else {
        event.redacts = target->event_id;
      }
    }
    FinishEvent(version_, event);
    return event;
  }

  const Event* At(int64_t place) const {
    const bool there = place >= 0 && place < static_cast<int64_t>(events_.size());
    return there ? &events_[static_cast<size_t>(place)] : nullptr;
  }

  std::vector<rooms::EventReference> References(const Json& draft, const char* key) const {
    std::vector<rooms::EventReference> references;
    const Json* const places = rooms::FindMember(draft, key);
    if (places == nullptr || !places->is_array()) return references;
    for (const Json& place : *places) {
      const Event* const event = place.is_number_integer() ? At(place.get<int64_t>()) : nullptr;
      if (event != nullptr) references.push_back(ReferenceTo(version_, *event));
    }
    return references;
  }

  Json Signed(const Event& event) const {
    Json pdu = PduJson(version_, event);
    pdu["signatures"] = Json::object();
    for (const std::string& server : RequiredSigners(version_, pdu)) {
      if (servers_.contains(server)) SignEvent(version_, rooms::KeyOf(server), pdu);
    }
    return pdu;
  }

  const RoomVersion& version_;
  const std::set<std::string> servers_;
  std::string room_id_ = kRoom;
  std::vector<Event> events_;
  std::vector<std::string> pdus_;
  std::set<std::string> ids_;
  bool plain_ = true;
};

v1::RoomImportHeader HeaderFor(const RoomVersion& version, const Author& author,
                               const std::set<std::string>& servers) {
  v1::RoomImportHeader header;
  header.set_room_id(author.room_id());
  header.set_room_version(std::string(version.id));
  for (const std::string& server : servers) {
    v1::VerifyKey& key = *header.add_verify_keys();
    key.set_server_name(server);
    key.set_key_id("ed25519:1");
    key.set_public_key(rooms::Base64(rooms::KeyOf(server).key.public_key()));
  }
  return header;
}

std::string Text(const Upload& upload) { return absl::StrJoin(upload.pdus, "\n"); }

// To look at a room is to hear what an import would say.
void CheckValidation(Upload upload, const Outcome& outcome) {
  upload.header.set_validate_only(true);
  const Outcome validated = Import(upload);
  CHECK_EQ(validated.status(), outcome.status());
  if (outcome.ok()) CHECK_EQ(validated->SerializeAsString(), outcome->SerializeAsString());
}

// The order in which events come is of no matter.
void CheckOrder(Upload upload, const Upload& exported) {
  std::reverse(upload.pdus.begin(), upload.pdus.end());
  const Outcome outcome = Import(upload);
  CHECK(outcome.ok()) << outcome.status();
  CHECK_EQ(Text(ExportAndEmpty(upload.header.room_id())), Text(exported));
}

// A room that was taken over whole can be handed on whole.
void CheckExport(const Upload& exported, const v1::ImportRoomResponse& first) {
  const Outcome outcome = Import(exported);
  CHECK(outcome.ok()) << outcome.status();
  CHECK_EQ(outcome->refused_event_count(), 0) << outcome->DebugString();
  CHECK_EQ(outcome->event_count(), first.event_count());
  CHECK_EQ(outcome->room().SerializeAsString(), first.room().SerializeAsString());
  CHECK_EQ(Text(ExportAndEmpty(exported.header.room_id())), Text(exported));
}

std::string SeedOf(absl::string_view version, uint32_t number) {
  const rooms::RandomRoom random(version, number, 10);
  const rooms::EventGraph& graph = random.room().graph();
  std::string seed = absl::StrCat(version, number % 2 == 0 ? "" : " b.example");
  const auto places = [&](const std::vector<rooms::EventReference>& references) {
    Json list = Json::array();
    for (const auto& reference : references) list.push_back(*graph.Find(reference.event_id));
    return list;
  };
  for (rooms::EventIndex i = 0; i < graph.size(); ++i) {
    const Event& event = graph.event(i);
    Json draft = {{"type", event.type},
                  {"sender", event.sender},
                  {"content", event.content},
                  {"depth", event.depth},
                  {"time", event.origin_server_ts},
                  {"prev", places(event.prev_events)},
                  {"auth", places(event.auth_events)}};
    if (event.state_key) draft["state_key"] = *event.state_key;
    const auto target = graph.Find(event.redacts);
    if (event.type == "m.room.redaction" && target) draft["redacts"] = *target;
    absl::StrAppend(&seed, "\n", CanonicalJson(draft));
  }
  return seed;
}

}  // namespace

void TestOneInput(absl::string_view input) {
  std::vector<std::string> lines = absl::StrSplit(input, '\n');
  const std::vector<std::string> names = absl::StrSplit(lines.front(), ' ', absl::SkipEmpty());
  const RoomVersion* const version =
      names.empty() ? nullptr : rooms::FindRoomVersion(names.front());
  if (version == nullptr) return;
  std::set<std::string> servers(names.begin() + 1, names.end());
  servers.insert(kServer);
  Author author(*version, servers);
  for (size_t i = 1; i < lines.size() && i <= kMaxEvents; ++i) author.Write(lines[i]);

  const Upload upload{HeaderFor(*version, author, servers), author.pdus()};
  const Outcome outcome = Import(upload);
  if (!outcome.ok()) return CheckValidation(upload, outcome);
  const Upload exported = ExportAndEmpty(upload.header.room_id());
  CHECK_EQ(static_cast<size_t>(outcome->event_count()), exported.pdus.size());
  CheckValidation(upload, outcome);
  if (!author.plain()) return;
  CHECK_EQ(exported.pdus.size() + static_cast<size_t>(outcome->refused_event_count()),
           upload.pdus.size());
  CheckOrder(upload, exported);
  if (outcome->refused_event_count() == 0) CheckExport(exported, *outcome);
}

std::vector<std::string> MadeSeeds() {
  std::vector<std::string> seeds;
  uint32_t number = 3;
  for (const RoomVersion& version : rooms::AllRoomVersions()) {
    seeds.push_back(SeedOf(version.id, number++));
  }
  return seeds;
}

}  // namespace innkeeper::fuzz
