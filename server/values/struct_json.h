// File: server/values/struct_json.h
//
// Between JSON as the API carries it (google.protobuf.Struct, whose numbers are
// doubles) and JSON as Matrix has it (integers, but for events of old room versions).

#ifndef INNKEEPER_SERVER_VALUES_STRUCT_JSON_H_
#define INNKEEPER_SERVER_VALUES_STRUCT_JSON_H_

#include "google/protobuf/struct.pb.h"
#include "server/rooms/json.h"

namespace innkeeper {

// Returns the object that `proto` holds. Whole numbers become integers; other
// numbers stay as they are, for rooms::CheckCanonical to refuse, as do objects
// nested deeper than that allows, whose inside is left out.
rooms::Json JsonFromStruct(const google::protobuf::Struct& proto);

// Puts the object `json` into `proto`. `json` must be an object that rooms::ParseJson
// could return; of its numbers, the nearest doubles are put.
void JsonToStruct(const rooms::Json& json, google::protobuf::Struct* proto);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_VALUES_STRUCT_JSON_H_
