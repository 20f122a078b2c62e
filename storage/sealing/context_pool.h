// File: storage/sealing/context_pool.h
//
// OpenSSL's contexts serve one thread at a time, and cost more to make than to use.

#ifndef INNKEEPER_STORAGE_SEALING_CONTEXT_POOL_H_
#define INNKEEPER_STORAGE_SEALING_CONTEXT_POOL_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace innkeeper::storage {

// Lends contexts of one kind, made for one key. Thread-safe; must outlive what it lends.
template <typename Context, void (*Free)(Context*)>
class ContextPool {
 public:
  struct Deleter {
    void operator()(Context* context) const { Free(context); }
  };
  using Owned = std::unique_ptr<Context, Deleter>;

  // A context, until it goes out of scope.
  class Lease {
   public:
    Lease(ContextPool& pool, Owned context) : pool_(pool), context_(std::move(context)) {}
    ~Lease() { pool_.GiveBack(std::move(context_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    Context* get() const { return context_.get(); }

   private:
    ContextPool& pool_;
    Owned context_;
  };

  // `copy` returns another context like the one it is given.
  ContextPool(Owned first, Context* (*copy)(const Context*))
      : first_(std::move(first)), copy_(copy) {}

  Lease Take() {
    {
      absl::MutexLock lock(&mutex_);
      if (!idle_.empty()) {
        Owned context = std::move(idle_.back());
        idle_.pop_back();
        return Lease(*this, std::move(context));
      }
    }
    return Lease(*this, Owned(copy_(first_.get())));
  }

  // Frees those that are not lent.
  void Clear() {
    absl::MutexLock lock(&mutex_);
    idle_.clear();
  }

 private:
  void GiveBack(Owned context) {
    absl::MutexLock lock(&mutex_);
    idle_.push_back(std::move(context));
  }

  const Owned first_;
  Context* (*const copy_)(const Context*);

  absl::Mutex mutex_;
  // As many as were ever in use at once.
  std::vector<Owned> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_CONTEXT_POOL_H_
