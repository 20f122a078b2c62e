// File: tests/server/audit/audit_fixture.h

#ifndef INNKEEPER_TESTS_SERVER_AUDIT_AUDIT_FIXTURE_H_
#define INNKEEPER_TESTS_SERVER_AUDIT_AUDIT_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "innkeeper/v1/audit_log.pb.h"
#include "storage/audit_chain.h"
#include "storage/engine.h"
#include "storage/sealing/sealed_engine.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::audit {

// A sealed store with an audit log.
class AuditFixture : public testing::Test {
 protected:
  storage::Engine& engine() { return *engine_; }

  // The engine below the seal.
  storage::Engine& unsealed() { return static_cast<storage::SealedEngine&>(*engine_).unsealed(); }

  static void Commit(storage::Engine& engine, storage::CommitRequest request) {
    const storage::CommitResult result = CommitAndWait(engine, std::move(request));
    ASSERT_TRUE(result.status.ok()) << result.status;
  }

  // Appends an entry of that method.
  void Append(const std::string& method) {
    v1::AuditEntry entry;
    entry.set_method(method);
    storage::CommitRequest request;
    request.audit_entries.push_back(entry.SerializeAsString());
    Commit(engine(), std::move(request));
  }

  void Append(int count) {
    for (int i = 1; i <= count; ++i) Append("Method");
  }

  // Puts another value in place of entry `number`, or removes it, as whoever has the
  // store's keys could.
  void Overwrite(uint64_t number, std::optional<std::string> value) {
    storage::CommitRequest request;
    request.writes.push_back({storage::AuditKey(number), std::move(value)});
    Commit(engine(), std::move(request));
  }

  std::string Value(uint64_t number) {
    const auto value = engine().Get(storage::AuditKey(number));
    return value.ok() && value->has_value() ? (*value)->value : "";
  }

  storage::AuditHead HeadAt(uint64_t number) {
    return {number, storage::HashAuditEntry(number, Value(number))};
  }

  // The entries that are there, by their numbers.
  std::vector<std::pair<uint64_t, v1::AuditEntry>> Entries() {
    std::vector<std::pair<uint64_t, v1::AuditEntry>> entries;
    const absl::Status scanned = engine().NewSnapshot()->Scan(
        storage::AuditKey(0), storage::AuditKey(UINT64_MAX),
        [&](absl::string_view key, absl::string_view value, storage::Revision) {
          v1::AuditEntry entry;
          EXPECT_TRUE(entry.ParseFromString(std::string(storage::ParseAuditValue(value)->payload)));
          entries.emplace_back(*storage::ParseAuditKey(key), std::move(entry));
          return true;
        });
    EXPECT_TRUE(scanned.ok()) << scanned;
    return entries;
  }

 private:
  TempDir dir_;
  std::unique_ptr<storage::Engine> engine_ = storage::OpenTestEngine(dir_.File("data"));
};

}  // namespace innkeeper::audit

#endif  // INNKEEPER_TESTS_SERVER_AUDIT_AUDIT_FIXTURE_H_
