#include "server/config/options.h"

#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace innkeeper {
namespace {

std::vector<Option> AllOptions() {
  std::vector<Option> all;
  for (const OptionGroup& group : OptionGroups()) {
    all.insert(all.end(), group.options.begin(), group.options.end());
  }
  return all;
}

// Two allowed values, neither of them the default, for each option.
std::pair<std::string, std::string> OtherValues(const Option& option) {
  for (const auto& [first, second] :
       std::vector<std::pair<std::string, std::string>>{{"true", "true"},
                                                        {"7", "8"},
                                                        {"107", "108"},
                                                        {"9MiB", "10MiB"},
                                                        {"65MiB", "66MiB"},
                                                        {"128KiB", "192KiB"},
                                                        {"5m", "6m"},
                                                        {"25h", "26h"},
                                                        {"all", "invite"},
                                                        {"optional", "optional"},
                                                        {"observe", "off"},
                                                        {"error", "warning"},
                                                        {"[::1]:1", "localhost:2"},
                                                        {"some", "other"}}) {
    ServerConfig config;
    if (option.assign(first, config) && option.assign(second, config)) return {first, second};
  }
  ADD_FAILURE() << option.name;
  return {};
}

TEST(OptionsTest, EachHasANameOfItsOwnAndIsFoundByIt) {
  std::set<absl::string_view> names;
  for (const Option& option : AllOptions()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    ASSERT_NE(FindOption(option.name), nullptr) << option.name;
    EXPECT_EQ(FindOption(option.name)->name, option.name);
  }
  EXPECT_EQ(FindOption("upgrade_max_retries"), nullptr);
  EXPECT_EQ(FindOption(""), nullptr);
}

TEST(OptionsTest, EachSetsItsOwnMemberAndNoOther) {
  const std::vector<Option> all = AllOptions();
  for (const Option& option : all) {
    const auto [first, second] = OtherValues(option);
    ServerConfig config;
    for (const std::string& value : {first, second}) {
      ASSERT_TRUE(option.assign(value, config)) << option.name;
      EXPECT_EQ(option.value(config), value) << option.name;
    }
    for (const Option& other : all) {
      if (other.name == option.name) continue;
      EXPECT_EQ(other.value(config), other.value(ServerConfig())) << option.name << other.name;
    }
  }
}

TEST(OptionsTest, EachDefaultIsAllowed) {
  for (const Option& option : AllOptions()) {
    ServerConfig config;
    EXPECT_NE(option.assign(option.value(config), config), option.required) << option.name;
  }
}

struct Limit {
  const char* name;
  const char* too_low;
  const char* lowest;
  const char* highest;
  const char* too_high;

  friend void PrintTo(const Limit& limit, std::ostream* out) { *out << limit.name; }
};

constexpr Limit kLimits[] = {
    {"block_cache_bytes", "8388607", "8MiB", "1024GiB", "1099511627777"},
    {"write_buffer_bytes", "8388607", "8MiB", "64GiB", "68719476737"},
    {"disk_min_free_bytes", "1048575", "1MiB", "1048576GiB", "1125899906842625"},
    {"event_retention", "59s", "1m", "876000h", "876000h1s"},
    {"event_retention_bytes", "1048575", "1MiB", "1048576GiB", "1125899906842625"},
    {"event_min_retention", "-1s", "0", "876000h", "876000h1s"},
    {"subscription_hold", "59s", "1m", "876000h", "876000h1s"},
    {"request_id_retention", "23h59m59s", "24h", "8784h", "8784h1s"},
    {"room_creation_rate", "0.00009", "0.0001", "1000000", "1000000.1"},
    {"room_creation_burst", "0", "1", "1000000", "1000001"},
    {"message_rate", "-1", "0.0001", "1000000", "1000000.1"},
    {"message_burst", "0", "1", "1000000", "1000001"},
    {"max_rooms_per_creator", "-1", "1", "100000000", "100000001"},
    {"max_room_members", "-1", "1", "100000000", "100000001"},
    {"max_room_state_events", "99", "100", "100000000", "100000001"},
    {"max_room_aliases", "-1", "1", "1000000", "1000001"},
    {"max_queued_commit_bytes", "16777215", "16MiB", "1GiB", "1073741825"},
    {"max_streams", "-1", "1", "1000000", "1000001"},
    {"max_streams_per_principal", "-1", "1", "1000000", "1000001"},
    {"max_request_bytes", "1048575", "1MiB", "1024GiB", "1099511627777"},
    {"max_call_time", "999ms", "1s", "24h", "24h1s"},
    {"max_queue_time", "9ms", "10ms", "1h", "1h1s"},
    {"max_invites", "-1", "0", "10000", "10001"},
    {"upgrade_lease", "999ms", "1s", "1h", "1h1s"},
    {"invite_reminder_period", "9s", "10s", "24h", "24h1s"},
    {"read_threads", "-1", "1", "1024", "1025"},
    {"write_threads", "-1", "1", "1024", "1025"},
    {"upgrade_threads", "0", "1", "1024", "1025"},
    {"max_queued_requests", "0", "1", "1000000", "1000001"},
    {"drain_timeout", "-1s", "0", "10m", "inf"},
    {"max_message_bytes", "65535", "64KiB", "64MiB", "67108865"},
    {"max_metadata_bytes", "8191", "8KiB", "1MiB", "1048577"},
    {"connection_memory_bytes", "67108863", "64MiB", "1024GiB", "1099511627777"},
    {"max_concurrent_streams", "0", "1", "1000000", "1000001"},
    {"stream_stall_timeout", "999ms", "1s", "24h", "86401s"},
    {"max_stream_age", "59s", "1m", "8784h", "8785h"},
    {"keepalive_time", "9s", "10s", "24h", "24h1s"},
    {"keepalive_timeout", "999ms", "1s", "10m", "11m"},
    {"max_connection_age", "59s", "1m", "480h", "480h1s"},
    {"max_connection_age_grace", "0", "1s", "24h", "25h"},
};

class OptionLimitTest : public testing::TestWithParam<Limit> {};

TEST_P(OptionLimitTest, IsInclusive) {
  const Limit& limit = GetParam();
  const Option* option = FindOption(limit.name);
  ASSERT_NE(option, nullptr);
  ServerConfig config;
  for (const char* value : {limit.lowest, limit.highest}) {
    EXPECT_TRUE(option->assign(value, config)) << value;
    EXPECT_TRUE(absl::StrContains(option->allowed, option->value(config))) << option->allowed;
  }
  const std::string before = option->value(config);
  for (const char* value : {limit.too_low, limit.too_high}) {
    EXPECT_FALSE(option->assign(value, config)) << value;
    EXPECT_EQ(option->value(config), before) << "a refused value changed the option";
  }
}

INSTANTIATE_TEST_SUITE_P(Each, OptionLimitTest, testing::ValuesIn(kLimits),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(OptionsTest, ZeroHasAMeaningOfItsOwnForSome) {
  for (const char* name :
       {"event_retention", "event_retention_bytes", "max_connection_age", "read_threads",
        "write_threads", "room_creation_rate", "failed_login_rate", "max_streams",
        "max_streams_per_principal", "max_request_bytes", "max_call_time", "max_queue_time"}) {
    const Option* option = FindOption(name);
    ServerConfig config;
    ASSERT_TRUE(option->assign("5m", config) || option->assign("5", config) ||
                option->assign("5MiB", config))
        << name;
    EXPECT_TRUE(option->assign("0", config)) << name;
    EXPECT_EQ(option->value(config), "0") << name;
    EXPECT_TRUE(absl::StrContains(option->allowed, "or 0 (")) << option->allowed;
  }
}

TEST(OptionsTest, TextIsChecked) {
  ServerConfig config;
  for (const char* name : {"server_name", "tokens_file", "data_dir", "default_room_version",
                           "encryption_algorithm", "listen_address"}) {
    EXPECT_FALSE(FindOption(name)->assign("", config)) << name;
  }
  const Option* instance_name = FindOption("instance_name");
  EXPECT_TRUE(instance_name->assign("", config));
  EXPECT_TRUE(instance_name->assign("Rooms_1.eu-west", config));
  EXPECT_TRUE(instance_name->assign(std::string(64, 'x'), config));
  for (const std::string& name : {std::string("a b"), std::string("a/b"), std::string(65, 'x')}) {
    EXPECT_FALSE(instance_name->assign(name, config)) << name;
  }
}

TEST(OptionsTest, ChoicesStandForTheirEnumerators) {
  ServerConfig config;
  const Option* policy = FindOption("encryption_policy");
  ASSERT_TRUE(policy->assign("invite", config));
  EXPECT_EQ(config.encryption_policy, EncryptionPolicy::kInvite);
  ASSERT_TRUE(policy->assign("all", config));
  EXPECT_EQ(config.encryption_policy, EncryptionPolicy::kAll);
  ASSERT_TRUE(policy->assign("off", config));
  EXPECT_EQ(config.encryption_policy, EncryptionPolicy::kOff);
  EXPECT_FALSE(policy->assign("ALL", config));

  const Option* level = FindOption("min_log_level");
  ASSERT_TRUE(level->assign("warning", config));
  EXPECT_EQ(config.min_log_level, LogLevel::kWarning);
  ASSERT_TRUE(level->assign("error", config));
  EXPECT_EQ(config.min_log_level, LogLevel::kError);
}

}  // namespace
}  // namespace innkeeper
