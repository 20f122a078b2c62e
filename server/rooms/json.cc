#include "server/rooms/json.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <glog/logging.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/errors/errors.h"
#include "server/rooms/canonical_writer.h"
#include "server/rooms/utf8.h"

namespace innkeeper::rooms {
namespace {

constexpr absl::string_view kNotAnInteger =
    "must be an integer: fractions cannot be written as canonical JSON";
constexpr absl::string_view kOutOfRange =
    "must be an integer from -9007199254740991 to 9007199254740991";
constexpr absl::string_view kBeyond64Bits = "has an integer of more than 64 bits";
constexpr absl::string_view kNotUtf8 = "must be valid UTF-8";
constexpr absl::string_view kKeyNotUtf8 = "must have only keys that are valid UTF-8";
constexpr absl::string_view kNotJson = "must be null, a boolean, number, string, array or object";

// Beyond these exponents no number but 0 is an integer in range, however many
// digits it is written with.
constexpr int64_t kExponentBound = int64_t{1} << 40;

// Integers in range have at most this many digits.
constexpr int64_t kMaxDigits = 16;

// How much of a key is shown in a path.
constexpr size_t kShownKeyBytes = 64;

std::string TooDeep(int max_depth) {
  return absl::StrCat("must not be nested deeper than ", max_depth, " levels");
}

bool InRange(int64_t value) {
  return value >= -kMaxCanonicalInteger && value <= kMaxCanonicalInteger;
}

bool InRange(uint64_t value) { return value <= uint64_t{kMaxCanonicalInteger}; }

// A place in a value that cannot be written as canonical JSON.
struct Problem {
  std::string path;  // from the value on
  std::string description;
};

std::optional<Problem> FindProblem(const Json& value, int depth, int max_depth);

std::optional<Problem> FindProblemInArray(const Json::array_t& array, int depth, int max_depth) {
  for (size_t i = 0; i < array.size(); ++i) {
    if (auto problem = FindProblem(array[i], depth, max_depth)) {
      problem->path = absl::StrCat("[", i, "]", problem->path);
      return problem;
    }
  }
  return std::nullopt;
}

std::optional<Problem> FindProblemInObject(const Json::object_t& object, int depth, int max_depth) {
  for (const auto& [key, member] : object) {
    if (!IsUtf8(key)) return Problem{"", std::string(kKeyNotUtf8)};
    if (auto problem = FindProblem(member, depth, max_depth)) {
      problem->path = absl::StrCat(FieldPath("", key), problem->path);
      return problem;
    }
  }
  return std::nullopt;
}

// `depth` is the number of arrays and objects around `value`.
std::optional<Problem> FindProblem(const Json& value, int depth, int max_depth) {
  if (value.is_structured() && depth == max_depth) return Problem{"", TooDeep(max_depth)};
  switch (value.type()) {
    case Json::value_t::null:
    case Json::value_t::boolean:
      return std::nullopt;
    case Json::value_t::number_integer:
      if (InRange(value.get<int64_t>())) return std::nullopt;
      return Problem{"", std::string(kOutOfRange)};
    case Json::value_t::number_unsigned:
      if (InRange(value.get<uint64_t>())) return std::nullopt;
      return Problem{"", std::string(kOutOfRange)};
    case Json::value_t::number_float:
      return Problem{"", std::string(kNotAnInteger)};
    case Json::value_t::string:
      if (IsUtf8(value.get_ref<const std::string&>())) return std::nullopt;
      return Problem{"", std::string(kNotUtf8)};
    case Json::value_t::array:
      return FindProblemInArray(value.get_ref<const Json::array_t&>(), depth + 1, max_depth);
    case Json::value_t::object:
      return FindProblemInObject(value.get_ref<const Json::object_t&>(), depth + 1, max_depth);
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return Problem{"", std::string(kNotJson)};
}

// Reads a JSON number that has a fraction or an exponent, or more digits than
// an int64_t, without the rounding of a floating-point type. nullopt if it is
// no integer or is out of range.
std::optional<int64_t> ExactInteger(absl::string_view token) {
  const bool negative = absl::ConsumePrefix(&token, "-");
  const size_t exponent_at = token.find_first_of("eE");
  int64_t exponent = 0;
  if (exponent_at != absl::string_view::npos) {
    // Saturates at exponents beyond an int64_t.
    (void)absl::SimpleAtoi(token.substr(exponent_at + 1), &exponent);
    exponent = std::clamp(exponent, -kExponentBound, kExponentBound);
    token = token.substr(0, exponent_at);
  }
  std::string digits;
  const size_t point = token.find('.');
  if (point == absl::string_view::npos) {
    digits = std::string(token);
  } else {
    digits = absl::StrCat(token.substr(0, point), token.substr(point + 1));
    exponent -= static_cast<int64_t>(token.size() - point - 1);
  }
  const size_t last = digits.find_last_not_of('0');
  if (last == std::string::npos) return 0;
  exponent += static_cast<int64_t>(digits.size() - last - 1);
  digits.resize(last + 1);
  if (exponent < 0 || exponent > kMaxDigits) return std::nullopt;
  digits.append(static_cast<size_t>(exponent), '0');
  int64_t value = 0;
  if (!absl::SimpleAtoi(digits, &value) || !InRange(value)) return std::nullopt;
  return negative ? -value : value;
}

// Builds `root` from what nlohmann's parser tells; stops it, by returning
// false, at whatever ParseJson refuses. The names of the members are the
// parser's.
class Builder {
 public:
  Builder(JsonNumbers numbers, Json& root) : numbers_(numbers), root_(root) {}

  bool null() { return Put(nullptr); }
  bool boolean(bool value) { return Put(value); }
  bool number_integer(int64_t value) {
    return numbers_ == JsonNumbers::kAny || InRange(value) ? Put(value) : Refuse(kOutOfRange);
  }
  bool number_unsigned(uint64_t value) {
    if (InRange(value)) return Put(static_cast<int64_t>(value));
    return numbers_ == JsonNumbers::kAny ? Put(value) : Refuse(kOutOfRange);
  }
  bool number_float(double rounded, const std::string& token) {
    if (numbers_ == JsonNumbers::kAny) {
      const bool fraction = token.find_first_of(".eE") != std::string::npos;
      return fraction ? Put(rounded) : Refuse(kBeyond64Bits);
    }
    const std::optional<int64_t> value = ExactInteger(token);
    return value ? Put(*value)
                 : Refuse("has a number that is not an integer within +-9007199254740991");
  }
  bool string(std::string& value) { return Put(std::move(value)); }
  bool binary(Json::binary_t& /*value*/) { return Refuse(kNotJson); }

  bool start_object(size_t /*size*/) { return Open(Json::object()); }
  bool key(std::string& key) {
    auto [it, inserted] = open_.back()->get_ref<Json::object_t&>().try_emplace(std::move(key));
    if (!inserted) {
      return Refuse(absl::StrCat("has the key \"", Utf8Prefix(it->first, kShownKeyBytes),
                                 "\" twice in one object"));
    }
    member_ = &it->second;
    return true;
  }
  bool end_object() { return Close(); }
  bool start_array(size_t /*size*/) { return Open(Json::array()); }
  bool end_array() { return Close(); }

  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) {
    return Refuse(absl::StrCat("is not valid JSON: error at byte ", position));
  }

  const std::string& refusal() const { return refusal_; }

 private:
  bool Refuse(absl::string_view why) {
    refusal_ = std::string(why);
    return false;
  }

  // Returns where a value belongs that comes now.
  Json* Place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      auto& array = open_.back()->get_ref<Json::array_t&>();
      array.push_back(std::move(value));
      return &array.back();
    }
    *member_ = std::move(value);
    return member_;
  }

  bool Put(Json value) {
    Place(std::move(value));
    return true;
  }

  bool Open(Json value) {
    if (open_.size() == static_cast<size_t>(kMaxJsonDepth)) return Refuse(TooDeep(kMaxJsonDepth));
    open_.push_back(Place(std::move(value)));
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  const JsonNumbers numbers_;
  Json& root_;
  std::vector<Json*> open_;  // the arrays and objects around what comes next
  Json* member_ = nullptr;   // where the value of the last key goes
  std::string refusal_;
};

}  // namespace

std::string FieldPath(absl::string_view field, absl::string_view key) {
  const absl::string_view shown = Utf8Prefix(key, kShownKeyBytes);
  return absl::StrCat(field, ".", shown, shown.size() < key.size() ? "..." : "");
}

std::string CanonicalJson(const Json& value) {
  CanonicalWriter writer;
  writer.Value(value);
  return writer.Take();
}

absl::Status CheckCanonical(const Json& value, absl::string_view field, int max_depth) {
  const std::optional<Problem> problem = FindProblem(value, 0, max_depth);
  if (!problem) return absl::OkStatus();
  FieldErrors errors;
  errors.Add(absl::StrCat(field, problem->path), problem->description);
  return errors.ToStatus();
}

absl::StatusOr<Json> ParseJson(absl::string_view text, JsonNumbers numbers) {
  // The parser takes a NUL for the end of the text and skips a byte order mark.
  if (absl::StrContains(text, '\0') || absl::StartsWith(text, "\xEF\xBB\xBF")) {
    return absl::InvalidArgumentError("is not valid JSON: has a NUL or a byte order mark");
  }
  Json value;
  Builder builder(numbers, value);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return absl::InvalidArgumentError(builder.refusal());
  }
  return value;
}

const Json* FindMember(const Json& object, absl::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(std::string_view(key.data(), key.size()));
  return it == object.end() ? nullptr : &*it;
}

std::string StringOrEmpty(const Json& object, absl::string_view key) {
  return std::string(StringViewOrEmpty(object, key));
}

absl::string_view StringViewOrEmpty(const Json& object, absl::string_view key) {
  const Json* const member = FindMember(object, key);
  if (member == nullptr || !member->is_string()) return "";
  return member->get_ref<const std::string&>();
}

}  // namespace innkeeper::rooms
