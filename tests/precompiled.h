// What tests have precompiled beside cmake/precompiled.h: headers of libraries, and of the
// API, that many of them use. Never include this.

#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "innkeeper/v1/audit_log.grpc.pb.h"
#include "innkeeper/v1/event_subscriptions.grpc.pb.h"
#include "innkeeper/v1/room_directory.grpc.pb.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "innkeeper/v1/room_membership.grpc.pb.h"
#include "innkeeper/v1/room_state.grpc.pb.h"
#include "innkeeper/v1/supervision.grpc.pb.h"
