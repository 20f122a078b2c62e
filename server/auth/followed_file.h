// File: server/auth/followed_file.h
//
// What a file says, or a few files together, kept up with them.

#ifndef INNKEEPER_SERVER_AUTH_FOLLOWED_FILE_H_
#define INNKEEPER_SERVER_AUTH_FOLLOWED_FILE_H_

#include <glog/logging.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/auth/token_hash.h"

namespace innkeeper::auth {

// A file that says a `Value`. A file that cannot be read or is wrong is refused as a
// whole, and what was in force stays in force. `Text` is what there is to be read, and has a
// HashOf: of several files together a struct of their texts. Thread-safe.
template <typename Value, typename Text = std::string>
class FollowedFile {
 public:
  // Returns the text of the file; the error names it.
  using Read = std::function<absl::StatusOr<Text>(const std::string& path)>;
  // Returns what a text says; the error need not name the file.
  using Parse = std::function<absl::StatusOr<Value>(const Text& text)>;

  // `path` is handed to `read`, and names the file in messages. Call ReloadIfChanged before
  // anything else.
  FollowedFile(std::string path, Read read, Parse parse)
      : path_(std::move(path)), read_(std::move(read)), parse_(std::move(parse)) {}

  // What the file says, or said when it was last right; nullptr if it never was.
  std::shared_ptr<const Value> Get() const {
    absl::ReaderMutexLock lock(&mutex_);
    return value_;
  }

  // Reads the file again and, if it has changed, puts it in force. Returns OK if what is
  // in force is what the file says, else why not; a refusal is also logged, once for each
  // change, when something is in force.
  //
  // Contents are compared rather than times, which miss a second change within one tick.
  // To be called every second or so, from a thread that may do I/O.
  absl::Status ReloadIfChanged() {
    absl::MutexLock lock(&reload_mutex_);
    absl::StatusOr<Text> text = read_(path_);
    Sight sight{.status = text.status()};
    if (text.ok()) sight.text_hash = HashOf(*text);
    if (sight == last_sight_) return last_outcome_;
    last_sight_ = std::move(sight);
    last_outcome_ = text.ok() ? PutInForce(*text) : text.status();
    LOG_IF(ERROR, !last_outcome_.ok() && Get() != nullptr)
        << last_outcome_.message() << " (what was in force before stays so)";
    return last_outcome_;
  }

 private:
  // What reading the file gave: its text, of which the hash is kept, or an error.
  struct Sight {
    absl::Status status;
    TokenHash text_hash = {};

    bool operator==(const Sight& other) const = default;
  };

  absl::Status PutInForce(const Text& text) {
    absl::StatusOr<Value> value = parse_(text);
    if (!value.ok()) {
      return absl::Status(value.status().code(),
                          absl::StrCat(path_, ": ", value.status().message()));
    }
    LOG(INFO) << path_ << ": now in force";
    auto shared = std::make_shared<const Value>(*std::move(value));
    absl::MutexLock lock(&mutex_);
    value_ = std::move(shared);
    return absl::OkStatus();
  }

  const std::string path_;
  const Read read_;
  const Parse parse_;

  absl::Mutex reload_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  std::optional<Sight> last_sight_ ABSL_GUARDED_BY(reload_mutex_);
  absl::Status last_outcome_ ABSL_GUARDED_BY(reload_mutex_);

  mutable absl::Mutex mutex_;
  std::shared_ptr<const Value> value_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_FOLLOWED_FILE_H_
