// Canonical JSON: what ParseJson takes, CanonicalJson writes so that it reads the same.

#include <glog/logging.h>

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"
#include "server/rooms/json.h"
#include "server/rooms/utf8.h"
#include "server/values/struct_json.h"
#include "tests/fuzz/fuzz_target.h"

namespace innkeeper::fuzz {
namespace {

using rooms::CanonicalJson;
using rooms::Json;
using rooms::JsonNumbers;
using rooms::ParseJson;

constexpr size_t kMaxMessageBytes = 256;

// Errors go into a proto, whose strings are UTF-8.
void CheckError(const absl::Status& status) {
  if (status.ok()) return;
  CHECK(absl::IsInvalidArgument(status)) << status;
  CHECK(rooms::IsUtf8(status.message()));
  CHECK_LE(status.message().size(), kMaxMessageBytes);
}

void CheckRoundTrip(const Json& value, JsonNumbers numbers) {
  const std::string text = CanonicalJson(value);
  const absl::StatusOr<Json> again = ParseJson(text, numbers);
  CHECK(again.ok()) << again.status() << ": " << text;
  CHECK(*again == value) << text;
  CHECK_EQ(CanonicalJson(*again), text);
}

// True for an object that callers may give.
bool IsLikeGiven(const Json& value) {
  return value.is_object() && rooms::CheckCanonical(value, "").ok();
}

void CheckStructRoundTrip(const Json& object) {
  google::protobuf::Struct proto;
  JsonToStruct(object, &proto);
  CHECK(JsonFromStruct(proto) == object) << CanonicalJson(object);
}

}  // namespace

void TestOneInput(absl::string_view input) {
  const absl::StatusOr<Json> integers = ParseJson(input, JsonNumbers::kIntegers);
  const absl::StatusOr<Json> any = ParseJson(input, JsonNumbers::kAny);
  for (const auto* result : {&integers, &any}) CheckError(result->status());

  // What is taken strictly is taken leniently, as the same value.
  if (integers.ok()) {
    CHECK(any.ok() && *any == *integers) << input;
    CHECK(rooms::CheckCanonical(*integers, "", rooms::kMaxJsonDepth).ok()) << input;
    // The same as another writer has it.
    CHECK_EQ(CanonicalJson(*integers), integers->dump());
    CheckRoundTrip(*integers, JsonNumbers::kIntegers);
    if (IsLikeGiven(*integers)) CheckStructRoundTrip(*integers);
  }
  if (any.ok()) {
    CheckRoundTrip(*any, JsonNumbers::kAny);
    const absl::Status is_canonical = rooms::CheckCanonical(*any, "field", rooms::kMaxJsonDepth);
    if (is_canonical.ok()) CheckRoundTrip(*any, JsonNumbers::kIntegers);
    CHECK(is_canonical.ok() || rooms::IsUtf8(is_canonical.message()));
  }
}

std::vector<std::string> MadeSeeds() {
  // As deep as may be, and one deeper.
  const std::string deep = std::string(rooms::kMaxJsonDepth, '[');
  return {deep + std::string(rooms::kMaxJsonDepth, ']'),
          deep + "[" + std::string(rooms::kMaxJsonDepth + 1, ']')};
}

}  // namespace innkeeper::fuzz
