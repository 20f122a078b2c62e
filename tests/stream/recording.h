// File: tests/stream/recording.h
//
// What a reader of the event stream got, in the order in which it came.

#ifndef INNKEEPER_TESTS_STREAM_RECORDING_H_
#define INNKEEPER_TESTS_STREAM_RECORDING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "innkeeper/v1/room_lifecycle.pb.h"

namespace innkeeper::stream {

// An event: its place, and whether it is the same as another.
struct SeenEvent {
  int64_t sequence = 0;
  int64_t commit_id = 0;
  size_t fingerprint = 0;  // of all but the cursor
};

// A room of a snapshot.
struct SeenRoom {
  std::string room_id;
  std::string creator;
  bool is_tombstoned = false;
  std::optional<int64_t> revision = std::nullopt;  // if it is active
};

// A message of a stream.
struct SeenMessage {
  enum class Kind { kConfirmed, kSnapshot, kSnapshotEnd, kEvents, kBookmark };

  Kind kind = Kind::kEvents;
  // Of kConfirmed, what goes before the stream's start; of kSnapshotEnd, the place at which
  // the snapshot shows the rooms; of a kBookmark, which is any other message that tells how
  // far the stream is, that.
  int64_t sequence = 0;
  int64_t oldest_sequence = 0;  // of kConfirmed
  int64_t head_sequence = 0;    // of kConfirmed
  bool is_caught_up = false;  // of a kBookmark, whether it says that nothing is left to catch up on
  std::vector<SeenEvent> events;  // of kEvents
  bool commit_continues = false;  // of kEvents
  std::vector<SeenRoom> rooms;    // of kSnapshot
};

// Where a stream was to start.
struct SeenStart {
  enum class Kind {
    kOldest,
    kNow,
    kSnapshot,    // with the rooms as they are
    kBehind,      // with the cursor of `position`
    kAtLeast,     // with a cursor that stands for `position` or more
    kOldestLeft,  // with the cursor that came with EVENT_HISTORY_GONE
    kGoingOn,     // it did before the recording; it is behind `position`
  };

  Kind kind = Kind::kNow;
  int64_t position = 0;
};

// A stream from its start to its end, or as much of it as the recording has.
struct SeenStream {
  SeenStart start;
  std::vector<SeenMessage> messages;
  std::string end_reason;  // of the error that it ended with, if it is one of the server's
};

// The position that a stream began behind: of one with a snapshot, that of its end. Nothing
// if the stream, or as much of it as is there, did not get that far.
std::optional<int64_t> StartOf(const SeenStream& stream);

// A reader's streams, each from where the one before ended.
struct Recording {
  std::string reader;
  v1::RoomEventFilter filter;
  std::vector<SeenStream> streams;
  // How far the reader must have got for the recording to be whole; 0 if that is not known.
  int64_t through = 0;
};

// What a reader sees of an event.
SeenEvent Seen(const v1::RoomEvent& event);

// Tells whether a reader with that filter gets the event. Written from the comments of the
// API, not from the server.
bool Passes(const v1::RoomEventFilter& filter, const v1::RoomEvent& event);

// Tells whether a snapshot with that filter shows the room.
bool Passes(const v1::RoomEventFilter& filter, const SeenRoom& room);

// The recording in a few words for each message.
std::string Describe(const Recording& recording);

}  // namespace innkeeper::stream

#endif  // INNKEEPER_TESTS_STREAM_RECORDING_H_
