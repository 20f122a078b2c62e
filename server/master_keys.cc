#include "server/master_keys.h"

#include <glog/logging.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

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

// Returns what the shell command `command` writes.
absl::StatusOr<std::string> Run(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "re"), pclose);
  if (pipe == nullptr) return absl::ErrnoToStatus(errno, "can't be run");
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
  const bool is_too_much = output.size() > kMaxBytes;
  const int ended = pclose(pipe.release());
  if (ended == 0 && !is_too_much) return output;
  storage::Wipe(output);
  if (is_too_much) return absl::InvalidArgumentError("writes too much");
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
