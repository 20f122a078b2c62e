// File: tests/stream/conditions.h
//
// What readers of the event stream go through in a test.

#ifndef INNKEEPER_TESTS_STREAM_CONDITIONS_H_
#define INNKEEPER_TESTS_STREAM_CONDITIONS_H_

#include <string>
#include <vector>

#include "tests/stream/recording.h"
#include "tests/stream/validators.h"

namespace innkeeper::stream {

enum class Condition {
  kCalm,            // nothing happens
  kRestart,         // the server is told to end, and started again, several times
  kSigkill,         // it is killed, and started again, several times
  kSlowReader,      // readers take nothing for a while, and then little by little
  kRetention,       // the log forgets what readers have not read
  kManyReaders,     // there are 2,000 of them
  kNothingMatches,  // filters let nothing through, or next to nothing
};

std::string NameOf(Condition condition);

// What came of it.
struct Outcome {
  Log log;
  // One for each reader, and one for each of many cursors that were tried at the end.
  std::vector<Recording> recordings;
  // What was not as the condition says, or hung, or failed.
  Problems problems;
};

// Has readers and writers go through it. `server` is the program innkeeper-server. Blocks.
Outcome GoThrough(Condition condition, const std::string& server);

}  // namespace innkeeper::stream

#endif  // INNKEEPER_TESTS_STREAM_CONDITIONS_H_
