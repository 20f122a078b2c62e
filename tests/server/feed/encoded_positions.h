// File: tests/server/feed/encoded_positions.h

#ifndef INNKEEPER_TESTS_SERVER_FEED_ENCODED_POSITIONS_H_
#define INNKEEPER_TESTS_SERVER_FEED_ENCODED_POSITIONS_H_

#include <utility>
#include <vector>

#include "server/feed/encoded_stretch.h"

namespace innkeeper::feed {

// Where the events of a stretch stand in the log.
inline std::vector<storage::LogPosition> Positions(EncodedStretch stretch) {
  std::vector<storage::LogPosition> positions;
  for (const DraftMessage::Gap& gap : std::move(stretch.events).Wrap(1, "").gaps) {
    positions.push_back(gap.position);
  }
  return positions;
}

}  // namespace innkeeper::feed

#endif  // INNKEEPER_TESTS_SERVER_FEED_ENCODED_POSITIONS_H_
