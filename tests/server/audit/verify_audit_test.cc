#include "server/audit/verify_audit.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/server/audit/audit_fixture.h"

namespace innkeeper::audit {
namespace {

using storage::AuditHead;

class VerifyAuditTest : public AuditFixture {
 protected:
  v1::VerifyAuditResponse Verify(const Verification& verification = {}) {
    auto response = VerifyAudit(engine(), verification);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.value_or(v1::VerifyAuditResponse());
  }

  void ExpectIntact(const Verification& verification, int64_t count) {
    const v1::VerifyAuditResponse response = Verify(verification);
    EXPECT_TRUE(response.intact() && response.complete()) << response.ShortDebugString();
    EXPECT_EQ(response.entry_count(), count);
    EXPECT_EQ(response.broken_number(), 0);
    if (count > 0) {
      EXPECT_EQ(response.last().SerializeAsString(), response.head().SerializeAsString());
    }
  }

  void ExpectBroken(int64_t number, v1::AuditFault fault, const Verification& verification = {}) {
    const v1::VerifyAuditResponse response = Verify(verification);
    EXPECT_FALSE(response.intact() || response.complete()) << response.ShortDebugString();
    EXPECT_EQ(response.broken_number(), number);
    EXPECT_EQ(v1::AuditFault_Name(response.fault()), v1::AuditFault_Name(fault));
  }
};

TEST_F(VerifyAuditTest, AnEmptyLogIsIntact) { ExpectIntact({}, 0); }

TEST_F(VerifyAuditTest, ALogIsIntactAsItWasWritten) {
  Append(5);
  ExpectIntact({}, 5);
  EXPECT_EQ(Verify().first_number(), 1);
  EXPECT_EQ(Verify().head().number(), 5);
  EXPECT_EQ(Verify().head().hash(), storage::BytesOf(HeadAt(5).hash));
  ExpectIntact({.first_number = 4}, 2);
  ExpectIntact({.first_number = 6}, 0);
  ExpectIntact({.first_number = 60}, 0);
}

TEST_F(VerifyAuditTest, AnAlteredEntryIsFound) {
  Append(5);
  for (const uint64_t number : {1u, 3u, 4u}) {
    const std::string value = Value(number);
    Overwrite(number, value + "x");
    ExpectBroken(static_cast<int64_t>(number) + 1, v1::AUDIT_FAULT_WRONG_PREVIOUS_HASH);
    Overwrite(number, value);
  }
  std::string value = Value(1);
  value[0] = 1;
  Overwrite(1, value);
  ExpectBroken(1, v1::AUDIT_FAULT_WRONG_PREVIOUS_HASH);
}

TEST_F(VerifyAuditTest, AnAlteredLastEntryIsFound) {
  Append(5);
  Overwrite(5, Value(5) + "x");
  ExpectBroken(5, v1::AUDIT_FAULT_HEAD_MISMATCH);
}

TEST_F(VerifyAuditTest, AnotherCommitTimeIsFound) {
  Append(3);
  const std::string value = Value(2);
  const storage::AuditValue entry = *storage::ParseAuditValue(value);
  Overwrite(
      2, storage::EncodeAuditValue(entry.previous_hash, entry.commit_time + absl::Microseconds(1),
                                   std::string(entry.payload)));
  ExpectBroken(3, v1::AUDIT_FAULT_WRONG_PREVIOUS_HASH);
}

TEST_F(VerifyAuditTest, RemovedEntriesAreFound) {
  Append(5);
  const std::string value = Value(3);
  Overwrite(3, std::nullopt);
  ExpectBroken(3, v1::AUDIT_FAULT_MISSING);
  ExpectBroken(3, v1::AUDIT_FAULT_MISSING, {.first_number = 3});
  Overwrite(3, value);
  Overwrite(5, std::nullopt);
  ExpectBroken(5, v1::AUDIT_FAULT_MISSING);
  ExpectBroken(5, v1::AUDIT_FAULT_MISSING, {.first_number = 5});
  for (const uint64_t number : {1u, 2u, 3u, 4u}) Overwrite(number, std::nullopt);
  ExpectBroken(1, v1::AUDIT_FAULT_MISSING);
}

TEST_F(VerifyAuditTest, SwappedEntriesAreFound) {
  for (const char* method : {"A", "B", "C", "D"}) Append(method);
  const std::string value = Value(2);
  Overwrite(2, Value(3));
  Overwrite(3, value);
  ExpectBroken(2, v1::AUDIT_FAULT_WRONG_PREVIOUS_HASH);
}

TEST_F(VerifyAuditTest, EntriesBehindTheHeadAreFound) {
  Append(3);
  Overwrite(4, storage::EncodeAuditValue(HeadAt(3).hash, absl::UnixEpoch(), "made up"));
  ExpectBroken(4, v1::AUDIT_FAULT_HEAD_MISMATCH);
}

TEST_F(VerifyAuditTest, EntriesThatCannotBeReadAreFound) {
  Append(5);
  const auto spoil = [this](uint64_t number, const std::string& value) {
    storage::CommitRequest request;
    request.writes.push_back({storage::AuditKey(number), value});
    Commit(unsealed(), std::move(request));
  };
  for (const uint64_t number : {1u, 3u, 5u}) {
    const std::string sealed = (*unsealed().Get(storage::AuditKey(number)))->value;
    std::string spoiled = sealed;
    spoiled.back() ^= 1;
    spoil(number, spoiled);
    ExpectBroken(static_cast<int64_t>(number), v1::AUDIT_FAULT_UNREADABLE);
    spoil(number, sealed);
  }
  Overwrite(2, "short");
  ExpectBroken(2, v1::AUDIT_FAULT_UNREADABLE);
  ExpectBroken(2, v1::AUDIT_FAULT_UNREADABLE, {.first_number = 2});
}

TEST_F(VerifyAuditTest, AMissingEntryBeforeOneThatCannotBeReadIsMissing) {
  Append(4);
  Overwrite(2, std::nullopt);
  storage::CommitRequest request;
  request.writes.push_back({storage::AuditKey(3), "spoiled"});
  Commit(unsealed(), std::move(request));
  ExpectBroken(2, v1::AUDIT_FAULT_MISSING);
}

TEST_F(VerifyAuditTest, BeginsWithTheOldestThatWasKept) {
  Append(5);
  Overwrite(1, std::nullopt);
  Overwrite(2, std::nullopt);
  ExpectIntact({}, 3);
  EXPECT_EQ(Verify().first_number(), 3);
  ExpectBroken(3, v1::AUDIT_FAULT_ANCHOR_MISSING, {.anchor = AuditHead()});
}

TEST_F(VerifyAuditTest, AnAnchorTellsThatAllWasMadeAnew) {
  Append(5);
  const AuditHead second = HeadAt(2);
  const AuditHead last = HeadAt(5);
  ExpectIntact({.anchor = AuditHead()}, 5);
  ExpectIntact({.anchor = second}, 5);
  ExpectIntact({.first_number = 3, .anchor = second}, 3);
  ExpectIntact({.anchor = last}, 5);
  ExpectIntact({.first_number = 6, .anchor = last}, 0);
  // As the chain would be if all entries from the second on had been made anew.
  AuditHead other_second = second;
  other_second.hash[0] ^= 1;
  AuditHead other_last = last;
  other_last.hash[0] ^= 1;
  ExpectBroken(2, v1::AUDIT_FAULT_ANCHOR_MISMATCH, {.anchor = other_second});
  ExpectBroken(3, v1::AUDIT_FAULT_ANCHOR_MISMATCH, {.first_number = 3, .anchor = other_second});
  ExpectBroken(5, v1::AUDIT_FAULT_ANCHOR_MISMATCH, {.first_number = 6, .anchor = other_last});
}

TEST_F(VerifyAuditTest, AnAnchorTellsThatTheLogWasPutBack) {
  Append(2);
  AuditHead lost = HeadAt(2);
  lost.number = 3;
  ExpectBroken(3, v1::AUDIT_FAULT_ANCHOR_MISSING, {.anchor = lost});
}

TEST_F(VerifyAuditTest, GoesOnWhereItStopped) {
  Append(5);
  const v1::VerifyAuditResponse first = Verify({.max_entries = 2});
  EXPECT_TRUE(first.intact());
  EXPECT_FALSE(first.complete());
  EXPECT_EQ(first.entry_count(), 2);
  EXPECT_EQ(first.last().number(), 2);
  const AuditHead anchor{2, *storage::ParseAuditHash(first.last().hash())};
  EXPECT_EQ(anchor, HeadAt(2));
  ExpectIntact({.first_number = 3, .anchor = anchor, .max_entries = 3}, 3);
}

}  // namespace
}  // namespace innkeeper::audit
