// File: tests/stream/validators.h
//
// The six properties of the event stream, and that of snapshots, each as a function that
// finds where a recording breaks it. The names are those of etcd's watch
// (https://etcd.io/docs/v3.5/learning/api_guarantees/#watch-apis).

#ifndef INNKEEPER_TESTS_STREAM_VALIDATORS_H_
#define INNKEEPER_TESTS_STREAM_VALIDATORS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "innkeeper/v1/room_event.pb.h"
#include "tests/stream/recording.h"

namespace innkeeper::stream {

// All events that ever were in the log: the one with sequence s is at s - 1.
using Log = std::vector<v1::RoomEvent>;

// What is wrong, in words; at most a few of the many that one fault may bring.
using Problems = std::vector<std::string>;
inline constexpr size_t kMaxProblems = 5;

// Ordered: no event comes after one that is behind it in the log.
Problems CheckOrdered(const Recording& recording, const Log& log);

// Unique: no event comes twice, over all streams of a reader.
Problems CheckUnique(const Recording& recording, const Log& log);

// Reliable: no event is missing between the first start and where the reader got to, but
// for those that were gone from the log, which the stream said; and what comes is what the log
// has.
Problems CheckReliable(const Recording& recording, const Log& log);

// Atomic: the events of a commit come in one message, or in several with a mark.
Problems CheckAtomic(const Recording& recording, const Log& log);

// Resumable: a stream that starts with a cursor starts right behind it, and only says that
// this is gone if it is.
Problems CheckResumable(const Recording& recording, const Log& log);

// Bookmarkable: when a stream says how far it is, everything up to there was sent, nothing
// of it comes later, and it gets to the end of the log; when it says that it has caught up,
// that is no less than the log had when it began.
Problems CheckBookmarkable(const Recording& recording, const Log& log);

// Snapshots: each shows the rooms as they were at one place in the log, as often changed as the
// log had it by then, each once, and none else; what its end says of that place, the other
// properties build on.
Problems CheckSnapshots(const Recording& recording, const Log& log);

}  // namespace innkeeper::stream

#endif  // INNKEEPER_TESTS_STREAM_VALIDATORS_H_
