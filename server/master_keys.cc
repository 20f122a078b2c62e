#include "server/master_keys.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/base/file.h"
#include "storage/sealing/secret.h"

namespace innkeeper {
namespace {

constexpr size_t kMaxBytes = 64 << 10;
constexpr char kFileName[] = "/master.key";

absl::Status WithOption(absl::string_view option, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(option, ": ", status.message()));
}

absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  absl::StatusOr<FileContents> file = ReadFile(path, kMaxBytes);
  if (!file.ok()) return file.status();
  if ((file->mode & (S_IRWXG | S_IRWXO)) == 0) return std::move(file->bytes);
  storage::Wipe(file->bytes);
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": others than its owner may read or write it; chmod 600 it"));
}

absl::Status MakeKeyFile(const std::string& path) {
  LOG(INFO) << "making the master key of the store in " << path
            << "; without it the store can't be read: keep a copy elsewhere";
  std::string text = storage::NewMasterKeyText();
  absl::Status written = WriteFile(path, text);
  storage::Wipe(text);
  return written;
}

// Starts the shell command `command`, which writes to the descriptor `output`. No signal is
// blocked in it, as some are in the server: it can be ended, and can end others.
absl::StatusOr<pid_t> Start(const std::string& command, int output) {
  sigset_t no_signals;
  sigemptyset(&no_signals);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &no_signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  const std::array<const char*, 4> arguments = {"sh", "-c", command.c_str(), nullptr};
  pid_t child = 0;
  const int error = posix_spawn(&child, "/bin/sh", &actions, &attributes,
                                const_cast<char* const*>(arguments.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return absl::ErrnoToStatus(error, "can't be run");
  return child;
}

// Returns what can be read from `descriptor`, up to its end, and closes it.
absl::StatusOr<std::string> ReadAndClose(int descriptor) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(fdopen(descriptor, "r"), std::fclose);
  std::setvbuf(pipe.get(), nullptr, _IONBF, 0);  // which nobody would wipe
  std::string output;
  std::array<char, 4096> chunk;
  output.reserve(kMaxBytes + chunk.size());  // so that it is not moved
  while (output.size() <= kMaxBytes) {
    const size_t count = std::fread(chunk.data(), 1, chunk.size(), pipe.get());
    if (count == 0) break;
    output.append(chunk.data(), count);
  }
  OPENSSL_cleanse(chunk.data(), chunk.size());
  if (output.size() <= kMaxBytes) return output;
  storage::Wipe(output);
  return absl::InvalidArgumentError("writes too much");
}

// Returns what the shell command `command` writes.
absl::StatusOr<std::string> Run(const std::string& command) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "can't be run");
  const absl::StatusOr<pid_t> child = Start(command, ends[1]);
  close(ends[1]);
  absl::StatusOr<std::string> output = ReadAndClose(ends[0]);
  if (!child.ok()) return child.status();
  int ended = 0;
  while (waitpid(*child, &ended, 0) < 0 && errno == EINTR) {
  }
  if (!output.ok() || ended == 0) return output;
  storage::Wipe(*output);
  return absl::FailedPreconditionError(absl::StrCat("fails, with the wait status ", ended));
}

absl::StatusOr<storage::MasterKeys> Parse(absl::string_view source,
                                          absl::StatusOr<std::string> text) {
  if (!text.ok()) return text.status();
  auto keys = storage::ParseMasterKeys(*text);
  storage::Wipe(*text);
  if (!keys.ok()) {
    return absl::Status(keys.status().code(), absl::StrCat(source, ": ", keys.status().message()));
  }
  return keys;
}

}  // namespace

std::string MasterKeyPath(const ServerConfig& config) {
  if (!config.master_key_file.empty()) return config.master_key_file;
  return absl::StrCat(config.data_dir, kFileName);
}

absl::StatusOr<storage::MasterKeys> LoadMasterKeys(const ServerConfig& config, bool may_make) {
  if (!config.master_key_command.empty()) {
    auto keys = Parse("what it writes", Run(config.master_key_command));
    if (!keys.ok()) return WithOption("master_key_command", keys.status());
    return keys;
  }
  const bool is_ours = config.master_key_file.empty();
  const std::string path = MasterKeyPath(config);
  absl::StatusOr<std::string> text = ReadKeyFile(path);
  if (is_ours && may_make && absl::IsNotFound(text.status())) {
    absl::Status made = MakeKeyFile(path);
    if (!made.ok()) return WithOption("master_key_file", made);
    text = ReadKeyFile(path);
  }
  auto keys = Parse(path, std::move(text));
  if (!keys.ok()) return WithOption("master_key_file", keys.status());
  return keys;
}

}  // namespace innkeeper
