#include "server/audit/verify_audit.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace innkeeper::audit {
namespace {

using storage::AuditHash;
using storage::AuditHead;
using storage::AuditKey;
using storage::AuditValue;
using storage::Snapshot;

// Numbers are positive in the API.
constexpr uint64_t kMaxNumber = std::numeric_limits<int64_t>::max();

v1::AuditAnchor ToProto(const AuditHead& head) {
  v1::AuditAnchor anchor;
  anchor.set_number(static_cast<int64_t>(head.number));
  anchor.set_hash(std::string(storage::BytesOf(head.hash)));
  return anchor;
}

// Whether there are no entries below `end`.
absl::StatusOr<bool> IsEmptyBelow(const Snapshot& snapshot, uint64_t end) {
  bool empty = true;
  absl::Status scanned = snapshot.Scan(
      AuditKey(0), AuditKey(end), [&](absl::string_view, absl::string_view, storage::Revision) {
        empty = false;
        return false;
      });
  if (absl::IsDataLoss(scanned)) return false;  // there is one, which can't be read
  if (!scanned.ok()) return scanned;
  return empty;
}

// Returns the number of the oldest entry, also if it can't be read; kMaxNumber if there is
// none.
absl::StatusOr<uint64_t> FindOldest(const Snapshot& snapshot) {
  uint64_t low = 0;  // no entry is below it
  uint64_t high = kMaxNumber;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    const absl::StatusOr<bool> empty = IsEmptyBelow(snapshot, middle + 1);
    if (!empty.ok()) return empty.status();
    if (*empty) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Goes from entry to entry, and keeps no more than the last.
class Walk {
 public:
  Walk(const Snapshot& snapshot, const Verification& verification, const AuditHead& head)
      : snapshot_(snapshot), verification_(verification), head_(head) {}

  // Errors of Snapshot, but for DATA_LOSS.
  absl::Status Run() {
    if (verification_.anchor && verification_.anchor->number > head_.number) {
      Break(head_.number + 1, v1::AUDIT_FAULT_ANCHOR_MISSING);
      return absl::OkStatus();
    }
    const absl::StatusOr<uint64_t> oldest = FindOldest(snapshot_);
    if (!oldest.ok()) return oldest.status();
    next_ = std::max(verification_.first_number, *oldest == kMaxNumber ? 1 : *oldest);
    absl::Status scanned =
        snapshot_.Scan(AuditKey(next_), AuditKey(kMaxNumber),
                       [this](absl::string_view key, absl::string_view value, storage::Revision) {
                         if (response_.entry_count() == verification_.max_entries) return false;
                         return Take(storage::ParseAuditKey(key), value);
                       });
    if (absl::IsDataLoss(scanned)) return BreakAtUnreadable();
    if (!scanned.ok()) return scanned;
    if (response_.fault() == v1::AUDIT_FAULT_UNSPECIFIED) Conclude();
    return absl::OkStatus();
  }

  v1::VerifyAuditResponse Response() && {
    response_.set_intact(response_.fault() == v1::AUDIT_FAULT_UNSPECIFIED);
    if (response_.entry_count() > 0) *response_.mutable_last() = ToProto({next_ - 1, hash_});
    *response_.mutable_head() = ToProto(head_);
    return std::move(response_);
  }

 private:
  // Looks at the next entry that is there; returns false if the log is broken there.
  bool Take(std::optional<uint64_t> number, absl::string_view value) {
    if (!number) return Break(next_, v1::AUDIT_FAULT_UNREADABLE);
    if (*number > head_.number) return Break(*number, v1::AUDIT_FAULT_HEAD_MISMATCH);
    if (*number != next_) return Break(next_, v1::AUDIT_FAULT_MISSING);
    const std::optional<AuditValue> entry = storage::ParseAuditValue(value);
    if (!entry) return Break(next_, v1::AUDIT_FAULT_UNREADABLE);
    if (!Follows(entry->previous_hash)) return false;
    const AuditHash hash = storage::HashAuditEntry(next_, value);
    const std::optional<AuditHead>& anchor = verification_.anchor;
    if (anchor && anchor->number == next_ && anchor->hash != hash) {
      return Break(next_, v1::AUDIT_FAULT_ANCHOR_MISMATCH);
    }
    if (next_ == head_.number && hash != head_.hash) {
      return Break(next_, v1::AUDIT_FAULT_HEAD_MISMATCH);
    }
    if (response_.entry_count() == 0) response_.set_first_number(static_cast<int64_t>(next_));
    response_.set_entry_count(response_.entry_count() + 1);
    hash_ = hash;
    ++next_;
    return true;
  }

  // Whether the next entry, with that hash of the one before it, comes behind what is known.
  bool Follows(const AuditHash& previous_hash) {
    if (response_.entry_count() > 0 || next_ == 1) {
      return previous_hash == hash_ || Break(next_, v1::AUDIT_FAULT_WRONG_PREVIOUS_HASH);
    }
    const std::optional<AuditHead>& anchor = verification_.anchor;
    if (!anchor || anchor->number >= next_) return true;
    if (anchor->number + 1 < next_) return Break(next_, v1::AUDIT_FAULT_ANCHOR_MISSING);
    return previous_hash == anchor->hash || Break(next_, v1::AUDIT_FAULT_ANCHOR_MISMATCH);
  }

  // The log is not broken as far as it was walked through.
  void Conclude() {
    const std::optional<AuditHead>& anchor = verification_.anchor;
    const bool starts_behind_head = response_.entry_count() == 0 && next_ > head_.number;
    if (next_ <= head_.number) {
      const bool is_enough = response_.entry_count() == verification_.max_entries;
      if (!is_enough) Break(next_, v1::AUDIT_FAULT_MISSING);
      return;
    }
    if (starts_behind_head && anchor && *anchor != head_) {
      Break(head_.number, v1::AUDIT_FAULT_ANCHOR_MISMATCH);
      return;
    }
    response_.set_complete(true);
  }

  absl::Status BreakAtUnreadable() {
    const auto entry = snapshot_.Get(AuditKey(next_));
    if (!entry.ok() && !absl::IsDataLoss(entry.status())) return entry.status();
    const bool is_missing = entry.ok() && !entry->has_value();
    Break(next_, is_missing ? v1::AUDIT_FAULT_MISSING : v1::AUDIT_FAULT_UNREADABLE);
    return absl::OkStatus();
  }

  bool Break(uint64_t number, v1::AuditFault fault) {
    response_.set_broken_number(static_cast<int64_t>(number));
    response_.set_fault(fault);
    return false;
  }

  const Snapshot& snapshot_;
  const Verification& verification_;
  const AuditHead head_;
  uint64_t next_ = 1;
  AuditHash hash_ = {};  // of the entry before, if it was looked at
  v1::VerifyAuditResponse response_;
};

}  // namespace

absl::StatusOr<v1::VerifyAuditResponse> VerifyAudit(const storage::Engine& engine,
                                                    const Verification& verification) {
  const std::unique_ptr<Snapshot> snapshot = engine.NewSnapshot();
  const absl::StatusOr<AuditHead> head = snapshot->audit_head();
  if (!head.ok()) return head.status();
  Walk walk(*snapshot, verification, *head);
  absl::Status walked = walk.Run();
  if (!walked.ok()) return walked;
  return std::move(walk).Response();
}

}  // namespace innkeeper::audit
