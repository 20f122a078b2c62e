#include "server/values/struct_json.h"

#include <glog/logging.h>

#include <cmath>
#include <string>

namespace innkeeper {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using rooms::Json;

// One level more than is allowed, so that what is too deep can be seen to be.
constexpr int kDepthLimit = rooms::kMaxGivenDepth + 1;

// Doubles hold every integer up to here exactly.
constexpr double kMaxExactInteger = 9007199254740992.0;  // 2^53

Json FromStruct(const Struct& proto, int depth);

Json FromNumber(double number) {
  if (std::trunc(number) == number && std::abs(number) <= kMaxExactInteger) {
    return static_cast<int64_t>(number);
  }
  return number;
}

Json FromValue(const Value& value, int depth) {
  switch (value.kind_case()) {
    case Value::kNumberValue:
      return FromNumber(value.number_value());
    case Value::kStringValue:
      return value.string_value();
    case Value::kBoolValue:
      return value.bool_value();
    case Value::kStructValue:
      return FromStruct(value.struct_value(), depth + 1);
    case Value::kListValue: {
      Json array = Json::array();
      if (depth >= kDepthLimit) return array;
      for (const Value& item : value.list_value().values()) {
        array.push_back(FromValue(item, depth + 1));
      }
      return array;
    }
    case Value::kNullValue:
    case Value::KIND_NOT_SET:
      return nullptr;
  }
  return nullptr;
}

Json FromStruct(const Struct& proto, int depth) {
  Json object = Json::object();
  if (depth > kDepthLimit) return object;
  for (const auto& [key, value] : proto.fields()) object[key] = FromValue(value, depth);
  return object;
}

void ToValue(const Json& json, Value* value) {
  switch (json.type()) {
    case Json::value_t::null:
      value->set_null_value(google::protobuf::NULL_VALUE);
      return;
    case Json::value_t::boolean:
      value->set_bool_value(json.get<bool>());
      return;
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      value->set_number_value(json.get<double>());
      return;
    case Json::value_t::string:
      value->set_string_value(json.get_ref<const std::string&>());
      return;
    case Json::value_t::array:
      value->mutable_list_value();
      for (const Json& item : json) ToValue(item, value->mutable_list_value()->add_values());
      return;
    case Json::value_t::object:
      JsonToStruct(json, value->mutable_struct_value());
      return;
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  LOG(FATAL) << "no JSON: " << json.type_name();
}

}  // namespace

Json JsonFromStruct(const Struct& proto) { return FromStruct(proto, 1); }

void JsonToStruct(const Json& json, Struct* proto) {
  auto& fields = *proto->mutable_fields();
  for (const auto& [key, value] : json.items()) ToValue(value, &fields[key]);
}

}  // namespace innkeeper
