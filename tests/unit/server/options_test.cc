// The server's settings: each flag, where its value comes from, and what is refused.
#include "server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "server/exit_codes.h"
#include "tests/support/temporary_directory.h"

namespace varscope::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

// A variable of the environment while it lives.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    setenv(name_.c_str(), value.c_str(), /*overwrite=*/1);
  }
  ~Variable() { unsetenv(name_.c_str()); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const std::string name_;
};

std::variant<Options, int> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "varscoped");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

Options Parsed(const std::vector<std::string>& words) {
  const std::variant<Options, int> result = Parse(words);
  const auto* const options = std::get_if<Options>(&result);
  EXPECT_NE(options, nullptr) << ::testing::PrintToString(words);
  return options == nullptr ? Options() : *options;
}

// What is said of a wrong input, which is one line.
std::string Refused(const std::vector<std::string>& words) {
  ::testing::internal::CaptureStderr();
  const std::variant<Options, int> result = Parse(words);
  const std::string said = ::testing::internal::GetCapturedStderr();
  const int* const code = std::get_if<int>(&result);
  EXPECT_TRUE(code != nullptr && *code == kExitUsage) << ::testing::PrintToString(words);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  return said;
}

TEST(OptionsTest, WithoutAnyItServesOnThisHostAndKeepsNothing) {
  const Options options = Parsed({});
  EXPECT_THAT(options.listen, ElementsAre("127.0.0.1:7077"));
  EXPECT_EQ(options.durability_level, DurabilityLevel::kNone);
  EXPECT_TRUE(options.groups.empty());
  EXPECT_GT(options.max_store_bytes, 0U);
  EXPECT_EQ(options.max_inflight_bytes, options.max_store_bytes / 2);
  EXPECT_EQ(options.max_variable_bytes, options.max_store_bytes);
  EXPECT_EQ(options.max_push_bytes, options.max_store_bytes);
}

// One flag: a value that is not the default, how it is seen, and values that are refused.
struct Flag {
  std::string value;
  std::function<std::string(const Options&)> read;
  std::string expected;
  std::vector<std::string> wrong;
  bool environment = true;  // may come from there
};

const std::map<std::string, Flag>& Flags() {
  using O = const Options&;
  const auto text = [](auto member) {
    return [member](O o) { return ::testing::PrintToString(o.*member); };
  };
  static const auto* const flags = new std::map<std::string, Flag>{
      {"listen",
       {"127.0.0.1:0",
        [](O o) { return o.listen.at(0); },
        "127.0.0.1:0",
        {"127.0.0.1", "::1:80", "http://a:1", ""}}},
      {"port-file", {"p", [](O o) { return o.port_file; }, "p", {""}}},
      {"ready-fd",
       {"7", text(&Options::ready_fd), "7", {"-1", "x", "1.5", ""}, /*environment=*/false}},
      {"memory-limit",
       {"64MiB",
        text(&Options::memory_limit),
        "67108864",
        {"0", "1", "1MiB", "67108863", "17179869184GiB", "4611686018427387905", "much"}}},
      {"max-store-bytes",
       {"3MiB",
        text(&Options::max_store_bytes),
        "3145728",
        {"0", "-1", "3 apples", "18446744073709551615", ""}}},
      {"max-variable-bytes", {"2KiB", text(&Options::max_variable_bytes), "2048", {"0", "much"}}},
      {"max-push-bytes", {"1GiB", text(&Options::max_push_bytes), "1073741824", {"0", "-5"}}},
      {"max-inflight-bytes", {"5", text(&Options::max_inflight_bytes), "5", {"0", "nan"}}},
      {"sync",
       {"bsp:workers=2",
        [](O o) { return std::to_string(o.groups.at(0).workers); },
        "2",
        {"bps", "bsp:workers=many", "bsp:workers", "async:workers=2"}}},
      {"lease-seconds",
       {"2.5", text(&Options::lease_seconds), "2.5", {"-1", "nan", "inf", "0.0001", "100000"}}},
      {"shared-memory-streams",
       {"3", text(&Options::shared_memory_streams), "3", {"-1", "4097", "few"}}},
      {"stall-seconds", {"9", text(&Options::stall_seconds), "9", {"-1", "86401"}}},
      {"data-dir", {"d", [](O o) { return o.data_dir; }, "d", {""}}},
      {"durability",
       {"none",
        [](O o) { return o.durability; },
        "none",
        {"sometimes", "async", "async:0ms", "async:100s", "async:100000ms", "async:5msx"}}},
      {"snapshot-seconds", {"60", text(&Options::snapshot_seconds), "60", {"-1", "604801"}}},
      {"snapshots-kept", {"4", text(&Options::snapshots_kept), "4", {"0", "1001"}}},
      {"grace-seconds", {"8", text(&Options::grace_seconds), "8", {"-1", "3601"}}},
      {"log-level", {"debug", [](O o) { return o.log_level; }, "debug", {"loud", "INFO", ""}}},
  };
  return *flags;
}

std::string EnvironmentOf(std::string flag) {
  for (char& c : flag) c = c == '-' ? '_' : static_cast<char>(toupper(c));
  return "VARSCOPE_" + flag;
}

TEST(OptionsTest, EachFlagIsReadFromTheCommandLine) {
  for (const auto& [name, flag] : Flags()) {
    EXPECT_EQ(flag.read(Parsed({"--" + name, flag.value})), flag.expected) << name;
    EXPECT_EQ(flag.read(Parsed({"--" + name + "=" + flag.value})), flag.expected) << name;
  }
}

TEST(OptionsTest, EachFlagIsReadFromTheEnvironmentUnlessTheCommandLineHasIt) {
  for (const auto& [name, flag] : Flags()) {
    if (!flag.environment) continue;
    const Variable variable(EnvironmentOf(name), flag.value);
    EXPECT_EQ(flag.read(Parsed({})), flag.expected) << name;
  }
  const Variable variable("VARSCOPE_GRACE_SECONDS", "8");
  EXPECT_EQ(Parsed({"--grace-seconds", "9"}).grace_seconds, 9);
}

TEST(OptionsTest, EachFlagIsReadFromAFile) {
  for (const auto& [name, flag] : Flags()) {
    const TemporaryDirectory directory;
    const std::string file = (directory / "varscoped.toml").string();
    std::ofstream(file) << name << " = \"" << flag.value << "\"\n";
    EXPECT_EQ(flag.read(Parsed({"--config", file})), flag.expected) << name;
  }
}

// Whatever is wrong is one line with the flag, and exit code 2.
TEST(OptionsTest, WrongValuesAreNamedWhereverTheyComeFrom) {
  for (const auto& [name, flag] : Flags()) {
    for (const std::string& wrong : flag.wrong) {
      EXPECT_THAT(Refused({"--" + name + "=" + wrong}), HasSubstr(name)) << wrong;
      if (!flag.environment || wrong.empty()) continue;
      const Variable variable(EnvironmentOf(name), wrong);
      EXPECT_THAT(Refused({}), HasSubstr(name)) << wrong;
    }
  }
}

TEST(OptionsTest, UnknownWordsHaveTheNearestKnownOneBesideThem) {
  EXPECT_THAT(Refused({"--data-dri", "d"}),
              AllOf(HasSubstr("--data-dri"), HasSubstr("--data-dir")));
  EXPECT_THAT(Refused({"serve"}), HasSubstr("serve"));
  EXPECT_THAT(Refused({"--config", "/no/such/file"}), HasSubstr("/no/such/file"));
  const Variable misspelt("VARSCOPE_DATADIR", "d");
  const Variable of_kubernetes("VARSCOPE_PORT", "tcp://10.0.0.1:7077");
  EXPECT_TRUE(Parsed({}).data_dir.empty());
  EXPECT_THAT(Parsed({}).warnings, ::testing::ElementsAre(AllOf(HasSubstr("VARSCOPE_DATADIR"),
                                                                HasSubstr("VARSCOPE_DATA_DIR"))));
}

TEST(OptionsTest, SettingsThatContradictEachOtherAreRefused) {
  EXPECT_THAT(Refused({"--listen", "a:1", "--listen", "a:1"}), HasSubstr("a:1 is there twice"));
  EXPECT_EQ(Parsed({"--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"}).listen.size(), 2U);
  EXPECT_THAT(Refused({"--durability", "sync"}), HasSubstr("needs a --data-dir"));
  for (const std::string flag :
       {"--max-store-bytes", "--max-variable-bytes", "--max-push-bytes", "--max-inflight-bytes"}) {
    EXPECT_THAT(Refused({"--memory-limit", "512MiB", flag, "536870913"}),
                AllOf(HasSubstr(flag), HasSubstr("--memory-limit")));
    Parsed({"--memory-limit", "512MiB", flag, "512MiB"});
  }
  EXPECT_THAT(Refused({"--sync", "bsp", "--sync", "ssp"}), HasSubstr("all variables"));
  EXPECT_THAT(Refused({"--sync", "a=bsp", "--sync", "a=ssp"}), HasSubstr("'a'"));
  EXPECT_THAT(Refused({"--sync", "a/=bsp", "--sync", "a=ssp"}), HasSubstr("two modes for 'a'"));
  EXPECT_EQ(Parsed({"--sync", "a=bsp", "--sync", "ssp"}).groups.size(), 2U);
}

TEST(OptionsTest, DurabilityFollowsTheDataDirectory) {
  EXPECT_EQ(Parsed({"--data-dir", "d"}).durability_level, DurabilityLevel::kSync);
  const Options async = Parsed({"--data-dir", "d", "--durability", "async:250ms"});
  EXPECT_EQ(async.durability_level, DurabilityLevel::kAsync);
  EXPECT_EQ(async.durability_interval_ms, 250);
  EXPECT_EQ(Parsed({"--data-dir", "d", "--durability", "none"}).durability_level,
            DurabilityLevel::kNone);
}

TEST(OptionsTest, HelpAndVersionEndWell) {
  for (const char* word : {"--help", "-h", "--version"}) {
    ::testing::internal::CaptureStdout();
    const std::variant<Options, int> result = Parse({word});
    EXPECT_EQ(std::get<int>(result), kExitClean) << word;
    EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("varscoped")) << word;
  }
}

}  // namespace
}  // namespace varscope::server
