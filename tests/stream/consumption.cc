#include "tests/stream/consumption.h"

#include <cstddef>
#include <map>

#include "absl/strings/str_cat.h"
#include "tests/stream/recording.h"

namespace innkeeper::stream {

Problems CheckDelivered(const Consumption& consumption, const Log& log) {
  Problems problems;
  const auto expect = [&](bool holds, int64_t sequence, const char* problem) {
    if (holds || problems.size() == kMaxProblems) return;
    problems.push_back(absl::StrCat(consumption.subscription, ": event ", sequence, " ", problem));
  };
  const std::set<int64_t> done(consumption.done.begin(), consumption.done.end());
  for (const v1::RoomEvent& event : log) {
    const int64_t sequence = event.sequence();
    const bool passes = Passes(consumption.filter, event);
    const bool is_dealt_with = done.contains(sequence) || consumption.parked.contains(sequence);
    expect(passes || !is_dealt_with, sequence, "should have been left out");
    expect(!passes || is_dealt_with || sequence > consumption.acknowledged, sequence,
           "is acknowledged, and nobody was done with it");
  }
  return problems;
}

Problems CheckRoomOrder(const Consumption& consumption, const Log& log) {
  Problems problems;
  std::map<int64_t, size_t> first_done;  // the place in `done`, by sequence
  for (size_t i = 0; i < consumption.done.size(); ++i) first_done.emplace(consumption.done[i], i);
  std::map<std::string, int64_t> last;  // that was done, of the log, by room
  for (const v1::RoomEvent& event : log) {
    const int64_t sequence = event.sequence();
    const bool was_parked =
        consumption.parked.contains(sequence) || consumption.once_parked.contains(sequence);
    if (!first_done.contains(sequence) || was_parked) continue;
    const auto [before, is_first] = last.try_emplace(event.room_id(), sequence);
    if (is_first) continue;
    if (first_done[before->second] > first_done[sequence] && problems.size() < kMaxProblems) {
      problems.push_back(absl::StrCat(consumption.subscription, ": event ", sequence,
                                      " was done before event ", before->second, " of ",
                                      event.room_id()));
    }
    before->second = sequence;
  }
  return problems;
}

}  // namespace innkeeper::stream
