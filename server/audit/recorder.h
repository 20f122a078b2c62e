// File: server/audit/recorder.h
//
// What goes into the audit log beside changes: calls that were refused.

#ifndef INNKEEPER_SERVER_AUDIT_RECORDER_H_
#define INNKEEPER_SERVER_AUDIT_RECORDER_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "innkeeper/v1/audit_log.pb.h"
#include "server/audit/trail.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/limits/token_buckets.h"
#include "server/metrics/metrics.h"
#include "storage/engine.h"

namespace innkeeper::audit {

// Whether a call that ended with `status` was refused for who made it: its credentials, what
// they allow, or whether its user may know of what it asked for.
bool IsRefusal(const absl::Status& status);

// Thread-safe. Its methods never block.
class Recorder {
 public:
  // How many refused calls have an entry of their own.
  struct Options {
    limits::Rate refusals;
  };

  // The references must outlive the recorder, and the recorder the engine's threads.
  Recorder(storage::Engine& engine, const Clock& clock, const RandomBytes& random,
           const Options& options, metrics::AuditMetrics& metrics)
      : engine_(engine),
        clock_(clock),
        random_(random),
        buckets_(options.refusals),
        metrics_(metrics) {}

  // Returns what leaves entries of changes from `origin`. It must not outlive what the
  // recorder refers to.
  Trail TrailOf(Origin origin) const { return Trail(std::move(origin), random_); }

  // Writes an entry about a call from `origin` that ended with `refusal`, or counts it if
  // they come too fast, for the next entry to tell. So are those counted that the store does
  // not take.
  void RecordRefusal(const Origin& origin, const absl::Status& refusal);

  // Writes how many were counted since, if any. To be called every now and then, as nobody
  // knows whether another refusal comes.
  void RecordSuppressed();

 private:
  // Writes an entry that tells of the calls that were counted, and itself of `refusals`.
  void Commit(v1::AuditEntry entry, int64_t refusals);

  storage::Engine& engine_;
  const Clock& clock_;
  const RandomBytes& random_;
  limits::TokenBuckets buckets_;
  metrics::AuditMetrics& metrics_;
  std::atomic<int64_t> suppressed_ = 0;  // and not yet told
};

}  // namespace innkeeper::audit

#endif  // INNKEEPER_SERVER_AUDIT_RECORDER_H_
