// Tells ThreadSanitizer about the locks of Abseil, which are in a shared library
// that was built without it. Every call of the program and of its libraries
// (gRPC above all) comes through here.
//
// A lock is reported right after it was taken and right before it is let go, so
// between two holders the reports come in the order of the locks. Await and
// CondVar are taken to hold the mutex exclusively.

#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "tests/sanitizers/thread/interpose.h"

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}

namespace {

using innkeeper::interpose::CallNext;
using innkeeper::interpose::NextSymbol;

constexpr unsigned kExclusive = 0;
constexpr unsigned kShared = __tsan_mutex_read_lock;

// True while the library works on a call from outside: what it calls of itself
// is not reported a second time.
thread_local bool inside_library = false;

// One call of the library on behalf of `mutex`.
class LibraryCall {
 public:
  explicit LibraryCall(absl::Mutex* mutex) : mutex_(mutex), outermost_(!inside_library) {
    inside_library = true;
  }

  ~LibraryCall() {
    if (!outermost_) return;
    inside_library = false;
    if (!takes_) return;
    __tsan_mutex_pre_lock(mutex_, mode_);
    __tsan_mutex_post_lock(mutex_, mode_, 0);
  }

  LibraryCall(const LibraryCall&) = delete;
  LibraryCall& operator=(const LibraryCall&) = delete;

  // The call lets the mutex go; that is reported here.
  void LetsGo(unsigned mode) {
    if (!outermost_) return;
    __tsan_mutex_pre_unlock(mutex_, mode);
    __tsan_mutex_post_unlock(mutex_, mode);
  }

  // The call ends with the mutex taken; that is reported at its end.
  void Takes(unsigned mode) {
    takes_ = true;
    mode_ = mode;
  }

 private:
  absl::Mutex* const mutex_;
  const bool outermost_;
  bool takes_ = false;
  unsigned mode_ = kExclusive;
};

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

Mutex::~Mutex() {
  using Destructor = void(Mutex*);
  static auto* const next = reinterpret_cast<Destructor*>(NextSymbol("_ZN4absl7debian35MutexD1Ev"));
  // The destruction would count as a write, and race with holders whose last use
  // of the mutex came before it in a way that only the library knows of.
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  __tsan_mutex_destroy(this, 0);
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  next(this);
}

void Mutex::Lock() {
  LibraryCall call(this);
  call.Takes(kExclusive);
  CallNext<&Mutex::Lock>(this);
}

void Mutex::Unlock() {
  LibraryCall call(this);
  call.LetsGo(kExclusive);
  CallNext<&Mutex::Unlock>(this);
}

bool Mutex::TryLock() {
  LibraryCall call(this);
  const bool taken = CallNext<&Mutex::TryLock>(this);
  if (taken) call.Takes(kExclusive | __tsan_mutex_try_lock);
  return taken;
}

void Mutex::ReaderLock() {
  LibraryCall call(this);
  call.Takes(kShared);
  CallNext<&Mutex::ReaderLock>(this);
}

void Mutex::ReaderUnlock() {
  LibraryCall call(this);
  call.LetsGo(kShared);
  CallNext<&Mutex::ReaderUnlock>(this);
}

bool Mutex::ReaderTryLock() {
  LibraryCall call(this);
  const bool taken = CallNext<&Mutex::ReaderTryLock>(this);
  if (taken) call.Takes(kShared | __tsan_mutex_try_lock);
  return taken;
}

void Mutex::LockWhen(const Condition& condition) {
  LibraryCall call(this);
  call.Takes(kExclusive);
  CallNext<&Mutex::LockWhen>(this, condition);
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, Duration timeout) {
  LibraryCall call(this);
  call.Takes(kExclusive);
  return CallNext<&Mutex::LockWhenWithTimeout>(this, condition, timeout);
}

bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  LibraryCall call(this);
  call.Takes(kExclusive);
  return CallNext<&Mutex::LockWhenWithDeadline>(this, condition, deadline);
}

void Mutex::ReaderLockWhen(const Condition& condition) {
  LibraryCall call(this);
  call.Takes(kShared);
  CallNext<&Mutex::ReaderLockWhen>(this, condition);
}

bool Mutex::ReaderLockWhenWithTimeout(const Condition& condition, Duration timeout) {
  LibraryCall call(this);
  call.Takes(kShared);
  return CallNext<&Mutex::ReaderLockWhenWithTimeout>(this, condition, timeout);
}

bool Mutex::ReaderLockWhenWithDeadline(const Condition& condition, Time deadline) {
  LibraryCall call(this);
  call.Takes(kShared);
  return CallNext<&Mutex::ReaderLockWhenWithDeadline>(this, condition, deadline);
}

void Mutex::Await(const Condition& condition) {
  LibraryCall call(this);
  call.LetsGo(kExclusive);
  call.Takes(kExclusive);
  CallNext<&Mutex::Await>(this, condition);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  LibraryCall call(this);
  call.LetsGo(kExclusive);
  call.Takes(kExclusive);
  return CallNext<&Mutex::AwaitWithTimeout>(this, condition, timeout);
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  LibraryCall call(this);
  call.LetsGo(kExclusive);
  call.Takes(kExclusive);
  return CallNext<&Mutex::AwaitWithDeadline>(this, condition, deadline);
}

void CondVar::Wait(Mutex* mutex) {
  LibraryCall call(mutex);
  call.LetsGo(kExclusive);
  call.Takes(kExclusive);
  CallNext<&CondVar::Wait>(this, mutex);
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  LibraryCall call(mutex);
  call.LetsGo(kExclusive);
  call.Takes(kExclusive);
  return CallNext<&CondVar::WaitWithTimeout>(this, mutex, timeout);
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  LibraryCall call(mutex);
  call.LetsGo(kExclusive);
  call.Takes(kExclusive);
  return CallNext<&CondVar::WaitWithDeadline>(this, mutex, deadline);
}

// The library evaluates a condition under the mutex, but partly on behalf of a
// thread that is about to take it or has, as it was reported here, let it go. So
// memory accesses inside conditions are not checked; locks are seen.
bool Condition::Eval() const {
  const bool was_inside_library = inside_library;
  inside_library = false;
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  const bool result = CallNext<&Condition::Eval>(this);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  inside_library = was_inside_library;
  return result;
}

void Notification::Notify() {
  __tsan_release(&notified_yet_);
  CallNext<&Notification::Notify>(this);
}

void Notification::WaitForNotification() const {
  CallNext<&Notification::WaitForNotification>(this);
  __tsan_acquire(const_cast<std::atomic<bool>*>(&notified_yet_));
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  const bool notified = CallNext<&Notification::WaitForNotificationWithTimeout>(this, timeout);
  if (notified) __tsan_acquire(const_cast<std::atomic<bool>*>(&notified_yet_));
  return notified;
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  const bool notified = CallNext<&Notification::WaitForNotificationWithDeadline>(this, deadline);
  if (notified) __tsan_acquire(const_cast<std::atomic<bool>*>(&notified_yet_));
  return notified;
}

bool BlockingCounter::DecrementCount() {
  __tsan_release(this);
  return CallNext<&BlockingCounter::DecrementCount>(this);
}

void BlockingCounter::Wait() {
  CallNext<&BlockingCounter::Wait>(this);
  __tsan_acquire(this);
}

ABSL_NAMESPACE_END
}  // namespace absl
