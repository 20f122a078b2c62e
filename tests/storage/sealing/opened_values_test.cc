#include "storage/sealing/opened_values.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/keys.h"

namespace innkeeper::storage {
namespace {

using Value = OpenedValues::Value;

std::string KeyOfRoom(absl::string_view room) { return KeyBuilder(Table::kRoom).Str(room).Build(); }

std::string KeyOfUserRoom(absl::string_view user, absl::string_view room) {
  return KeyBuilder(Table::kUserRoom).Str(user).Str(room).Build();
}

Value MakeValue(std::string bytes) { return std::make_shared<const std::string>(std::move(bytes)); }

class OpenedValuesTest : public testing::Test {
 protected:
  // What is there under `key`; "-" for nothing.
  std::string Find(const std::string& key) {
    OpenedValues::Search search;
    const auto values = opened_.Find({key}, search);
    return values ? *values->front() : "-";
  }

  OpenedValues::Search Miss(const std::vector<std::string>& keys) {
    OpenedValues::Search search;
    EXPECT_FALSE(opened_.Find(keys, search).has_value());
    return search;
  }

  // Looks for `key` as one who finds `value` in the store then.
  void Read(const std::string& key, const std::string& value) {
    const OpenedValues::Search search = Miss({key});
    opened_.Keep(search, {key}, {MakeValue(value)});
  }

  OpenedValues::Writing Begin(const std::string& key) {
    return opened_.BeginWriting({Write{key, "whatever"}});
  }

  OpenedValues opened_;
  const std::string key_ = KeyOfRoom("!a");
};

TEST_F(OpenedValuesTest, FindsWhatWasKept) {
  Read(key_, "1");
  EXPECT_EQ(Find(key_), "1");
  opened_.Clear();
  EXPECT_EQ(Find(key_), "-");
}

TEST_F(OpenedValuesTest, FindsSeveralOnlyTogether) {
  const std::string user_key = KeyOfUserRoom("@u", "!a");
  const std::vector<std::string> keys = {key_, user_key};
  Read(key_, "1");
  const OpenedValues::Search search = Miss(keys);
  opened_.Keep(search, keys, {MakeValue("1"), MakeValue("2")});
  OpenedValues::Search again;
  const auto values = opened_.Find(keys, again);
  ASSERT_TRUE(values.has_value());
  EXPECT_EQ(*(*values)[0], "1");
  EXPECT_EQ(*(*values)[1], "2");
}

TEST_F(OpenedValuesTest, KeepsOnlySmallValuesOfSomeTables) {
  const std::string state_key = KeyBuilder(Table::kState).Str("!a").Str("t").Str("").Build();
  Read(state_key, "1");
  EXPECT_EQ(Find(state_key), "-");
  Read(key_, std::string(2000, 'x'));
  EXPECT_EQ(Find(key_), "-");
}

TEST_F(OpenedValuesTest, WhatIsNotThereIsNotKept) {
  const OpenedValues::Search search = Miss({key_});
  opened_.Keep(search, {key_}, {nullptr});
  EXPECT_EQ(Find(key_), "-");
}

TEST_F(OpenedValuesTest, ForgetsWhatIsWritten) {
  Read(key_, "1");
  const OpenedValues::Writing writing = Begin(key_);
  EXPECT_EQ(Find(key_), "-");
  opened_.EndWriting(writing, absl::OkStatus());
  EXPECT_EQ(Find(key_), "-");
  Read(key_, "2");
  EXPECT_EQ(Find(key_), "2");
}

TEST_F(OpenedValuesTest, KeepsNothingThatIsBeingWritten) {
  const OpenedValues::Writing writing = Begin(key_);
  Read(key_, "1");
  EXPECT_EQ(Find(key_), "-");
  opened_.EndWriting(writing, absl::AbortedError("lost"));
  Read(key_, "1");
  EXPECT_EQ(Find(key_), "1");
}

TEST_F(OpenedValuesTest, KeepsNothingThatWasWrittenSinceTheSearch) {
  const OpenedValues::Search search = Miss({key_});
  opened_.EndWriting(Begin(key_), absl::OkStatus());
  opened_.Keep(search, {key_}, {MakeValue("1")});
  EXPECT_EQ(Find(key_), "-");
}

TEST_F(OpenedValuesTest, KeepsNothingThatWasBeingWrittenDuringTheSearch) {
  const OpenedValues::Writing writing = Begin(key_);
  const OpenedValues::Search search = Miss({key_});
  opened_.EndWriting(writing, absl::OkStatus());
  opened_.Keep(search, {key_}, {MakeValue("1")});
  EXPECT_EQ(Find(key_), "-");
}

TEST_F(OpenedValuesTest, KeepsNothingThatMayYetTurnOutWritten) {
  const OpenedValues::Writing lost = Begin(key_);
  opened_.EndWriting(lost, absl::UnavailableError("the disk is full"));
  Read(key_, "1");
  EXPECT_EQ(Find(key_), "-");

  // Neither of these tells what became of it.
  opened_.EndWriting(Begin(KeyOfRoom("!b")), absl::UnavailableError("the disk is full"));
  opened_.EndWriting(Begin(key_), absl::UnavailableError("the disk is full"));
  opened_.EndWriting(Begin(KeyOfRoom("!c")), absl::ResourceExhaustedError("too much"));
  Read(key_, "1");
  EXPECT_EQ(Find(key_), "-");

  opened_.EndWriting(Begin(KeyOfRoom("!d")), absl::OkStatus());
  for (const char* room : {"!a", "!b", "!c", "!d"}) {
    Read(KeyOfRoom(room), "1");
    EXPECT_EQ(Find(KeyOfRoom(room)), "1") << room;
  }
}

TEST_F(OpenedValuesTest, ACommitThatBeganBeforeDoesNotTellWhatBecameOfAnother) {
  const OpenedValues::Writing other = Begin(KeyOfRoom("!b"));
  opened_.EndWriting(Begin(key_), absl::UnavailableError("the disk is full"));
  opened_.EndWriting(other, absl::OkStatus());
  Read(key_, "1");
  EXPECT_EQ(Find(key_), "-");
}

// A store whose values one thread writes, all at once, while others read some of them.
TEST_F(OpenedValuesTest, ShowsTheStateOfOneMomentAndNeverAnEarlierOne) {
  std::vector<Write> writes;
  writes.reserve(330);
  for (int i = 0; i < 300; ++i) writes.push_back({KeyOfRoom(absl::StrCat("!other", i)), ""});
  std::vector<std::string> keys;
  keys.reserve(30);
  for (int i = 0; i < 30; ++i) {
    keys.push_back(KeyOfUserRoom(absl::StrCat("@u", i), "!a"));
    writes.push_back({keys.back(), ""});
  }
  std::atomic<int> stored = 0;
  std::atomic<bool> done = false;
  const auto read = [&] {
    int last = 0;
    int hits = 0;
    while (!done || hits == 0) {
      const int before = stored;
      OpenedValues::Search search;
      auto values = opened_.Find(keys, search);
      if (values) {
        ++hits;
      } else {
        const Value value = MakeValue(std::to_string(stored));
        values.emplace(keys.size(), value);
        opened_.Keep(search, keys, *values);
      }
      for (const Value& value : *values) ASSERT_EQ(*value, *values->front());
      const int found = std::stoi(*values->front());
      ASSERT_GE(found, before);
      ASSERT_GE(found, last);
      last = found;
    }
  };
  std::vector<std::thread> readers;
  readers.reserve(3);
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  for (int i = 1; i <= 5'000; ++i) {
    const OpenedValues::Writing writing = opened_.BeginWriting(writes);
    stored = i;
    opened_.EndWriting(writing, absl::OkStatus());
    if (i % 100 == 0) std::this_thread::yield();
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace innkeeper::storage
