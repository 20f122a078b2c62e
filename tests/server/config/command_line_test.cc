#include "server/config/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/config/help.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// The options that have to be given, and `more`.
std::vector<std::string> Args(const std::vector<std::string>& more = {}) {
  std::vector<std::string> args = {"--server_name=example.org", "--data_dir=/data",
                                   "--tokens_file=tokens.json"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

ServerConfig Parsed(const std::vector<std::string>& args) {
  const auto parsed = ParseCommandLine(args);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() ? parsed->config : ServerConfig();
}

// The lines of the error; none if there is no error.
std::vector<std::string> Errors(const std::vector<std::string>& args) {
  const absl::Status status = ParseCommandLine(args).status();
  if (status.ok()) return {};
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return absl::StrSplit(status.message(), '\n');
}

TEST(CommandLineTest, WhatIsNotGivenHasItsDefault) {
  const ServerConfig config = Parsed(Args());
  EXPECT_EQ(config.server_name, "example.org");
  EXPECT_EQ(config.data_dir, "/data");
  EXPECT_EQ(config.tokens_file, "tokens.json");
  EXPECT_EQ(config.listen_address, "127.0.0.1:7447");
  EXPECT_EQ(config.max_invites, 1000);
  EXPECT_FALSE(config.reflection);
}

TEST(CommandLineTest, ValuesFollowAnEqualsSignOrAsTheNextArgument) {
  const ServerConfig config =
      Parsed(Args({"--max_invites=5", "--log_dir", "/var/log", "--instance_name", "-x",
                   "--encryption_algorithm=--a=b", "--tls_client_ca_file="}));
  EXPECT_EQ(config.max_invites, 5);
  EXPECT_EQ(config.log_dir, "/var/log");
  EXPECT_EQ(config.instance_name, "-x");
  EXPECT_EQ(config.encryption_algorithm, "--a=b");
  EXPECT_EQ(config.tls_client_ca_file, "");
}

TEST(CommandLineTest, ABooleanStandsAloneOrHasAValue) {
  EXPECT_TRUE(Parsed(Args({"--reflection", "--allow_plaintext"})).allow_plaintext);
  EXPECT_TRUE(Parsed(Args({"--reflection=true"})).reflection);
  EXPECT_FALSE(Parsed(Args({"--reflection=false"})).reflection);
  EXPECT_THAT(Errors(Args({"--reflection", "true"})),
              ElementsAre("\"true\": not an option; options are given as --name=value"));
}

TEST(CommandLineTest, RefusesWhatIsNoOption) {
  EXPECT_THAT(Errors(Args({"--colour=blue"})),
              ElementsAre("--colour: there is no such option (see --help)"));
  EXPECT_THAT(Errors(Args({"--colour"})),
              ElementsAre("--colour: there is no such option (see --help)"));
  for (const char* arg : {"serve", "-h", "--", "", "-max_invites=5"}) {
    EXPECT_THAT(Errors(Args({arg})),
                ElementsAre(absl::StrCat("\"", arg,
                                         "\": not an option; options are given as --name=value")));
  }
}

TEST(CommandLineTest, RefusesAMissingValue) {
  EXPECT_THAT(Errors(Args({"--max_invites"})),
              ElementsAre("--max_invites: needs a value, as in --max_invites=value"));
  EXPECT_THAT(Errors(Args({"--max_invites", "--reflection"})),
              ElementsAre("--max_invites: needs a value, as in --max_invites=value"));
  EXPECT_THAT(Errors(Args({"--config_file"})),
              ElementsAre("--config_file: needs a value, as in --config_file=value"));
}

TEST(CommandLineTest, RefusesAnOptionGivenTwice) {
  EXPECT_THAT(Errors(Args({"--max_invites=5", "--max_invites", "5"})),
              ElementsAre("--max_invites: given twice, first as --max_invites"));
  EXPECT_THAT(Errors(Args({"--config_file=/none", "--config_file=/none"})),
              testing::Contains("--config_file: given twice"));
}

TEST(CommandLineTest, NamesTheValueAndWhatIsAllowed) {
  EXPECT_THAT(
      Errors(Args({"--max_invites=many"})),
      ElementsAre("--max_invites: \"many\" is not allowed; must be an integer from 0 to 10000"));
  EXPECT_THAT(Errors(Args({"--request_id_retention=1h"})),
              ElementsAre("--request_id_retention: \"1h\" is not allowed; must be a duration from "
                          "24h to 8784h"));
  EXPECT_THAT(Errors(Args({"--read_threads=-1\n"})),
              ElementsAre("--read_threads: \"-1\\n\" is not allowed; must be an integer from 1 "
                          "to 1024, or 0 (one for each processor)"));
}

TEST(CommandLineTest, NamesRequiredOptionsThatAreMissingOrEmpty) {
  EXPECT_THAT(Errors({"--data_dir="}),
              ElementsAre("--data_dir: \"\" is not allowed; must be a path",
                          "--server_name: required, but not given",
                          "--tokens_file: required, but not given"));
}

TEST(CommandLineTest, OptionsAreCheckedAgainstEachOther) {
  EXPECT_THAT(Errors(Args({"--tls_key_file=k"})),
              ElementsAre("tls_key_file: needs tls_certificate_file too"));
}

TEST(CommandLineTest, HelpComesBeforeErrors) {
  for (const auto& [arg, text] :
       std::vector<std::pair<std::string, std::string>>{{"--help", HelpText()},
                                                        {"--help_markdown", HelpMarkdown()},
                                                        {"--version", "Innkeeper 0.1.0\n"}}) {
    const auto parsed = ParseCommandLine({"--colour=blue", arg});
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->print, text);
  }
  EXPECT_FALSE(ParseCommandLine(Args())->print);
}

class ConfigFileTest : public testing::Test {
 protected:
  std::string Flag(absl::string_view contents) {
    path_ = dir_.Write("innkeeper.conf", contents);
    return absl::StrCat("--config_file=", path_);
  }

  TempDir dir_;
  std::string path_;
};

TEST_F(ConfigFileTest, HasOneOptionALineAndComments) {
  const ServerConfig config =
      Parsed({Flag("# Who we are\n"
                   "server_name = example.org\n"
                   "\n"
                   "  data_dir=/srv/rooms #1 \t# the fast disk\r\n"
                   "tokens_file = a#b=c\n"
                   "   # reflection = false\n"
                   "reflection = true\n"
                   "log_dir =\n"
                   "block_cache_bytes = 1 GiB")});
  EXPECT_EQ(config.server_name, "example.org");
  EXPECT_EQ(config.data_dir, "/srv/rooms");
  EXPECT_EQ(config.tokens_file, "a#b=c");
  EXPECT_TRUE(config.reflection);
  EXPECT_EQ(config.log_dir, "");
  EXPECT_EQ(config.block_cache_bytes, 1 << 30);
}

TEST_F(ConfigFileTest, TheCommandLineWinsOverItWhereverItStands) {
  const std::string file = Flag("max_invites = 5\nreflection = true\nlog_dir = /file\n");
  for (const auto& args : {Args({file, "--max_invites=6", "--log_dir="}),
                           Args({"--max_invites=6", "--log_dir=", file})}) {
    const ServerConfig config = Parsed(args);
    EXPECT_EQ(config.max_invites, 6);
    EXPECT_EQ(config.log_dir, "");
    EXPECT_TRUE(config.reflection) << "the file wins over the default";
  }
}

TEST_F(ConfigFileTest, ErrorsNameFileAndLine) {
  const std::string file = Flag(
      "max_invites = many\n"
      "# comment\n"
      "colour = blue\n"
      "reflection\n"
      "log_dir = /a\n"
      "log_dir = /b\n"
      "config_file = other.conf\n"
      "= 5\n");
  EXPECT_THAT(
      Errors(Args({file})),
      ElementsAre(path_ + ":3: colour: there is no such option (see --help)",
                  path_ + ":4: reflection: options are given as name = value",
                  path_ + ":6: log_dir: given twice, first as " + path_ + ":5: log_dir",
                  path_ + ":7: config_file: only for the command line",
                  path_ + ":8: : there is no such option (see --help)",
                  path_ + ":1: max_invites: \"many\" is not allowed; must be an integer from 0 to "
                          "10000"));
}

TEST_F(ConfigFileTest, AWrongLineIsRefusedEvenIfTheCommandLineOverridesIt) {
  EXPECT_THAT(Errors(Args({Flag("max_invites = many\n"), "--max_invites=5"})),
              ElementsAre(HasSubstr(":1: max_invites: \"many\" is not allowed")));
}

TEST_F(ConfigFileTest, ErrorsOfBothSourcesAreReportedTogether) {
  EXPECT_THAT(Errors({Flag("colour = blue\n"), "--max_invites=many", "--data_dir=/data",
                      "--tokens_file=t"}),
              ElementsAre(HasSubstr(":1: colour"), StartsWith("--max_invites: \"many\""),
                          "--server_name: required, but not given"));
}

TEST_F(ConfigFileTest, MustBeThereAndSmall) {
  EXPECT_THAT(Errors(Args({"--config_file", dir_.File("none")})),
              ElementsAre(StartsWith("--config_file: " + dir_.File("none"))));
  EXPECT_THAT(Errors(Args({Flag(std::string((1 << 20) + 1, '\n'))})),
              ElementsAre(HasSubstr("is longer than 1048576 bytes")));
  EXPECT_THAT(Errors(Args({Flag("")})), IsEmpty());
}

}  // namespace
}  // namespace innkeeper
