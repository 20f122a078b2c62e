#include "server/rooms/event_chain.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/auth_events.h"
#include "server/rooms/auth_refusal.h"
#include "server/rooms/auth_rules.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {
namespace {

// Left free in an event for its signature.
constexpr size_t kSignatureBytes = 512;

constexpr size_t kOpaqueIdLetters = 18;
constexpr absl::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
// Bytes from here on would make the first letters likelier than the others.
constexpr size_t kEvenBytes = 256 / kLetters.size() * kLetters.size();

absl::Status TooLarge(const EventDraft& draft, absl::string_view what) {
  FieldErrors errors;
  errors.Add(draft.source_field, what);
  return errors.ToStatus();
}

absl::Status CheckForm(const RoomVersion& version, const EventDraft& draft) {
  if (draft.type.size() > kMaxEventKeyBytes) {
    return TooLarge(draft, absl::StrCat("makes an event whose type is longer than ",
                                        kMaxEventKeyBytes, " bytes"));
  }
  if (draft.state_key && draft.state_key->size() > kMaxEventKeyBytes) {
    return TooLarge(draft, absl::StrCat("makes an event whose state key is longer than ",
                                        kMaxEventKeyBytes, " bytes"));
  }
  if (!version.strict_canonical_json) return absl::OkStatus();
  return CheckCanonical(draft.content, draft.source_field, kMaxContentDepth);
}

// Returns letters that follow from `seed`: about 102 bits.
std::string Letters(absl::string_view seed) {
  std::string letters;
  std::string bytes(seed);
  while (letters.size() < kOpaqueIdLetters) {
    bytes = Sha256(bytes);
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < kEvenBytes && letters.size() < kOpaqueIdLetters) {
        letters += kLetters[byte % kLetters.size()];
      }
    }
  }
  return letters;
}

}  // namespace

EventChain::EventChain(const RoomVersion& version, BuildContext context)
    : version_(version), context_(std::move(context)) {
  if (version_.room_id_format == RoomIdFormat::kOpaque) tip_.room_id = OpaqueId('!', "room");
}

EventChain::EventChain(const RoomVersion& version, BuildContext context, RoomTip tip,
                       RoomState state)
    : version_(version),
      context_(std::move(context)),
      tip_(std::move(tip)),
      state_(std::move(state)) {}

std::string EventChain::OpaqueId(char sigil, absl::string_view what) const {
  return absl::StrCat(std::string(1, sigil),
                      Letters(absl::StrCat(context_.nonce, "\n", tip_.room_id, "\n", what)), ":",
                      context_.server_name);
}

std::vector<EventReference> EventChain::AuthEvents(const EventDraft& draft) const {
  std::vector<EventReference> references;
  for (const StateKey& key :
       AuthEventKeys(version_, draft.type, draft.sender, draft.state_key, draft.content)) {
    const auto entry = state_.find(key);
    if (entry != state_.end()) references.push_back(entry->second.reference);
  }
  return references;
}

absl::Status EventChain::Authorise(const Event& event) const {
  // We sign for our own users only.
  const Json* const authoriser = FindMember(event.content, "join_authorised_via_users_server");
  if (version_.restricted_joins && event.type == "m.room.member" && authoriser != nullptr &&
      !(authoriser->is_string() &&
        IsLocal(authoriser->get_ref<const std::string&>(), context_.server_name))) {
    return Refuse(AuthRule::kMemberAuthorisingServer);
  }
  return CheckAuthRules(version_, event, state_);
}

absl::Status EventChain::Append(EventDraft draft) {
  absl::Status form = CheckForm(version_, draft);
  if (!form.ok()) return form;

  Event event;
  event.auth_events = AuthEvents(draft);
  event.room_id = tip_.room_id;
  event.type = std::move(draft.type);
  event.state_key = std::move(draft.state_key);
  event.sender = std::move(draft.sender);
  event.origin_server_ts = context_.origin_server_ts;
  event.content = std::move(draft.content);
  event.redacts = std::move(draft.redacts);
  event.depth = std::min(tip_.depth, MaxInteger(version_) - 1) + 1;
  std::vector<EventReference>& latest = tip_.latest_events;
  const auto covered_end =
      latest.begin() + static_cast<ptrdiff_t>(std::min(latest.size(), kMaxPrevEvents));
  event.prev_events.assign(latest.begin(), covered_end);
  if (version_.event_id_format == EventIdFormat::kOpaque) {
    event.event_id = OpaqueId('$', latest.empty() ? "" : latest.front().event_id);
  }
  const size_t size = FinishEvent(version_, event);
  if (size > kMaxEventBytes - kSignatureBytes) {
    return TooLarge(draft, absl::StrCat("makes an event of ", size, " bytes (", event.type,
                                        "); the most is ", kMaxEventBytes - kSignatureBytes));
  }
  absl::Status allowed = Authorise(event);
  if (!allowed.ok()) return allowed;

  tip_.room_id = event.room_id;
  tip_.depth = event.depth;
  latest.erase(latest.begin(), covered_end);
  latest.insert(latest.begin(), ReferenceTo(version_, event));
  if (event.state_key) ApplyEvent(state_, version_, event);
  events_.push_back(std::move(event));
  return absl::OkStatus();
}

}  // namespace innkeeper::rooms
