// Runs the fuzz target that it is linked with.
//
//   fuzz_NAME --seeds=DIRECTORY --seconds=N   looks for an input that the target fails with
//   fuzz_NAME FILE...                         runs these inputs again
//
// Where the build has libFuzzer it searches, and keeps what it learns in the directory
// fuzz_NAME.corpus; else simple changes of the seeds have to do, the same in every run. An
// input that fails is left in a file whose name is printed.

#include <fcntl.h>
#include <glog/logging.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/mutator.h"

#ifdef INNKEEPER_LIBFUZZER
extern "C" int LLVMFuzzerRunDriver(int* argc, char*** argv,
                                   int (*test)(const uint8_t* data, size_t size));
#endif

namespace innkeeper::fuzz {
namespace {

namespace fs = std::filesystem;

// An input that takes longer fails.
constexpr int kMaxSecondsPerInput = 20;

struct Arguments {
  std::string program;
  std::string seeds;
  int seconds = 1;
  std::vector<std::string> files;
};

bool ParseArguments(int argc, char** argv, Arguments& arguments) {
  arguments.program = fs::path(argv[0]).filename();
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--seeds=")) {
      arguments.seeds = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--seconds=")) {
      if (!absl::SimpleAtoi(argument, &arguments.seconds)) return false;
    } else if (absl::StartsWith(argument, "-")) {
      return false;
    } else {
      arguments.files.emplace_back(argument);
    }
  }
  return arguments.seeds.empty() != arguments.files.empty();
}

std::string Contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  CHECK(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The seeds in their directory, by name, and those that the target makes.
std::vector<std::string> AllSeeds(const std::string& directory) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(directory)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> seeds = MadeSeeds();
  std::transform(paths.begin(), paths.end(), std::back_inserter(seeds), Contents);
  return seeds;
}

#ifdef INNKEEPER_LIBFUZZER

int TestBytes(const uint8_t* data, size_t size) {
  TestOneInput(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}

int Search(const Arguments& arguments) {
  const std::string corpus = arguments.program + ".corpus";
  fs::create_directories(corpus);
  const std::vector<std::string> seeds = AllSeeds(arguments.seeds);
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream(absl::StrCat(corpus, "/seed-", i), std::ios::binary) << seeds[i];
  }
  std::vector<std::string> options = {arguments.program,
                                      absl::StrCat("-max_total_time=", arguments.seconds),
                                      absl::StrCat("-timeout=", kMaxSecondsPerInput),
                                      absl::StrCat("-artifact_prefix=", arguments.program, "."),
                                      "-rss_limit_mb=4096",
                                      "-max_len=65536",
                                      "-verbosity=1",
                                      "-print_final_stats=1",
                                      corpus};
  std::vector<char*> argv;
  for (std::string& option : options) argv.push_back(option.data());
  argv.push_back(nullptr);
  int argc = static_cast<int>(options.size());
  char** arguments_of_driver = argv.data();
  return LLVMFuzzerRunDriver(&argc, &arguments_of_driver, TestBytes);
}

#else

// For the signal handler.
std::string* failure_path = nullptr;
const std::string* current_input = nullptr;

void KeepInput(int signal) {
  const int file = open(failure_path->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const ssize_t written = write(file, current_input->data(), current_input->size());
  const absl::string_view name =
      written < 0 ? absl::string_view("an input that was lost") : absl::string_view(*failure_path);
  for (const absl::string_view text :
       {absl::string_view("failed with "), name,
        absl::string_view(signal == SIGALRM ? ": too slow\n" : "\n")}) {
    if (write(STDERR_FILENO, text.data(), text.size()) < 0) break;
  }
  _exit(1);
}

void RunOne(const std::string& input) {
  current_input = &input;
  alarm(kMaxSecondsPerInput);
  TestOneInput(input);
}

int Search(const Arguments& arguments) {
  failure_path = new std::string(fs::absolute(arguments.program + ".failure"));
  for (const int signal : {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV}) {
    CHECK(::signal(signal, KeepInput) != SIG_ERR);
  }
  const std::vector<std::string> seeds = AllSeeds(arguments.seeds);
  for (const std::string& seed : seeds) RunOne(seed);
  Mutator mutator(seeds);
  int64_t inputs = 0;
  const absl::Time end = absl::Now() + absl::Seconds(arguments.seconds);
  for (; absl::Now() < end; ++inputs) RunOne(mutator.Next());
  alarm(0);
  std::cout << seeds.size() << " seeds and " << inputs << " changed ones" << std::endl;
  return 0;
}

#endif

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!ParseArguments(argc, argv, arguments)) {
    std::cerr << "usage: " << argv[0] << " --seeds=DIRECTORY [--seconds=N] | FILE...\n";
    return 2;
  }
  if (arguments.files.empty()) return Search(arguments);
  for (const std::string& file : arguments.files) TestOneInput(Contents(file));
  return 0;
}

}  // namespace
}  // namespace innkeeper::fuzz

int main(int argc, char** argv) { return innkeeper::fuzz::Main(argc, argv); }
