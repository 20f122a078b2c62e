#include "server/subscriptions/parked_events.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "server/lifecycle/paging.h"
#include "server/subscriptions/page_token.pb.h"
#include "server/subscriptions/progress_update.h"
#include "server/subscriptions/stored_subscription.h"
#include "server/subscriptions/subscription_records.h"
#include "storage/room_store.h"

namespace innkeeper::subscriptions {
namespace {

using lifecycle::Outcome;
using lifecycle::Write;
using storage::ParkedEventRecord;
using storage::RoomCommit;
using storage::RoomReader;

constexpr char kParkedEventsPurpose[] = "parked-events-page";

// Where a page begins: behind a sequence.
absl::StatusOr<int64_t> StartOfPage(const v1::ListParkedEventsRequest& request,
                                    const TokenSigner& signer) {
  if (request.page_token().empty()) return 0;
  auto token = lifecycle::OpenPageToken<ParkedEventsPageToken>(signer, kParkedEventsPurpose,
                                                               request.page_token());
  if (!token) return lifecycle::PageTokenInvalid("damaged");
  if (token->name() != request.name()) return lifecycle::PageTokenInvalid("other-request");
  return token->last_sequence();
}

// The parked events that a request is about, and the progress that a change to them is
// written with.
struct Choice {
  storage::Stored<storage::SubscriptionProgressRecord> progress;
  std::map<int64_t, ParkedEventRecord> events;
};

template <typename Request>
absl::StatusOr<Choice> Choose(const Request& request, const Caller& caller,
                              const RoomReader& reader) {
  auto stored = ReadWhole(reader, request.name(), caller);
  if (!stored.ok()) return stored.status();
  Choice choice{std::move(stored->progress), {}};
  if (request.all()) {
    absl::Status scanned =
        reader.ScanParkedEvents(request.name(), 0, [&](int64_t sequence, ParkedEventRecord record) {
          choice.events.emplace(sequence, std::move(record));
          return true;
        });
    if (!scanned.ok()) return scanned;
  }
  for (const int64_t sequence : request.sequences()) {
    auto parked = reader.GetParkedEvent(request.name(), sequence);
    if (!parked.ok()) return parked.status();
    if (parked->has_value()) choice.events.emplace(sequence, std::move((*parked)->record));
  }
  return choice;
}

absl::StatusOr<Outcome<v1::ReplayParkedEventsResponse>> TryReplay(
    const v1::ReplayParkedEventsRequest& request, const Caller& caller, const RoomReader& reader) {
  auto chosen = Choose(request, caller, reader);
  if (!chosen.ok()) return chosen.status();
  auto& [progress, events] = *chosen;
  Outcome<v1::ReplayParkedEventsResponse> outcome;
  RoomCommit commit;
  int64_t count = 0;
  for (auto& [sequence, record] : events) {
    if (record.replaying()) continue;
    record.set_replaying(true);
    commit.PutParkedEvent(request.name(), sequence, record);
    ++count;
  }
  if (count == 0) return outcome;
  outcome.response.set_replayed_event_count(count);
  commit.UpdateSubscriptionProgress(request.name(), progress.record, progress.revision);
  outcome.commit = std::move(commit);
  return outcome;
}

absl::StatusOr<Outcome<v1::DropParkedEventsResponse>> TryDrop(
    const v1::DropParkedEventsRequest& request, const Caller& caller, const RoomReader& reader) {
  auto chosen = Choose(request, caller, reader);
  if (!chosen.ok()) return chosen.status();
  auto& [progress, events] = *chosen;
  Outcome<v1::DropParkedEventsResponse> outcome;
  if (events.empty()) return outcome;
  const auto count = static_cast<int64_t>(events.size());
  outcome.response.set_dropped_event_count(count);
  RoomCommit& commit = outcome.commit.emplace();
  for (const auto& [sequence, record] : events) commit.EraseParkedEvent(request.name(), sequence);
  progress.record.set_parked_event_count(progress.record.parked_event_count() - count);
  commit.UpdateSubscriptionProgress(request.name(), progress.record, progress.revision);
  return outcome;
}

}  // namespace

absl::StatusOr<v1::ListParkedEventsResponse> ListParkedEvents(
    const v1::ListParkedEventsRequest& request, const Caller& caller, const storage::Engine& engine,
    const TokenSigner& signer) {
  const RoomReader reader(engine);
  absl::Status found = ReadSubscription(reader, request.name(), caller).status();
  if (!found.ok()) return found;
  const absl::StatusOr<int64_t> start = StartOfPage(request, signer);
  if (!start.ok()) return start.status();
  const int page_size =
      lifecycle::PageSize(request.page_size(), lifecycle::kDefaultPage, lifecycle::kMaxPage);
  v1::ListParkedEventsResponse response;
  ParkedEventsPageToken next;
  next.set_name(request.name());
  size_t page_bytes = 0;
  absl::Status scanned = reader.ScanParkedEvents(
      request.name(), *start, [&](int64_t sequence, const ParkedEventRecord& record) {
        if (response.parked_events_size() == page_size || page_bytes >= lifecycle::kMaxPageBytes) {
          response.set_next_page_token(
              lifecycle::SealPageToken(signer, kParkedEventsPurpose, next));
          return false;
        }
        next.set_last_sequence(sequence);
        v1::ParkedEvent parked = ToProto(record);
        if (!caller.audiences.Includes(parked.event().audience())) return true;
        page_bytes += parked.ByteSizeLong();
        *response.add_parked_events() = std::move(parked);
        return true;
      });
  if (!scanned.ok()) return scanned;
  return response;
}

Write<v1::ReplayParkedEventsResponse> ReplayParkedEvents(v1::ReplayParkedEventsRequest request,
                                                         Caller caller) {
  std::string turn = TurnOf(request.name());
  return {{},
          [request = std::move(request), caller = std::move(caller)](const RoomReader& reader) {
            return TryReplay(request, caller, reader);
          },
          std::move(turn)};
}

Write<v1::DropParkedEventsResponse> DropParkedEvents(v1::DropParkedEventsRequest request,
                                                     Caller caller) {
  std::string turn = TurnOf(request.name());
  return {{},
          [request = std::move(request), caller = std::move(caller)](const RoomReader& reader) {
            return TryDrop(request, caller, reader);
          },
          std::move(turn)};
}

}  // namespace innkeeper::subscriptions
