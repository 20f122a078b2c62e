#include "tests/storage/rocksdb/disk_failures.h"

#include <cstdlib>

namespace innkeeper::storage {
namespace {

constexpr int kForGood = 1'000'000;

}  // namespace

std::vector<DiskFailure> DiskFailures() {
  return {{"BadOnce", BadDisk(), 1, false},
          {"FullOnceTorn", FullDisk(), 1, true},
          {"BadForGood", BadDisk(), kForGood, false},
          {"FullForGoodTorn", FullDisk(), kForGood, true},
          {"ReadOnlyForGood", ReadOnlyDisk(), kForGood, false}};
}

std::string NameOfFailure(const testing::TestParamInfo<DiskFailure>& info) {
  return info.param.name;
}

bool IsFullForm() { return std::getenv("INNKEEPER_FULL") != nullptr; }

int NextCall(int call, int stride) { return call + (IsFullForm() ? 1 : stride); }

}  // namespace innkeeper::storage
