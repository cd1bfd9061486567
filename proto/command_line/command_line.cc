#include "proto/command_line/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/naming/names.h"
#include "proto/tensor/nearest.h"

namespace varscope {
namespace {

using Words = std::vector<std::string>;

// The options' names, without dashes, of the app and of the command that was given.
Words OptionNames(const CLI::App& app) {
  Words names;
  for (const CLI::Option* option : app.get_options()) {
    const Words& own = option->get_lnames();
    names.insert(names.end(), own.begin(), own.end());
  }
  for (const CLI::App* command : app.get_subcommands()) {
    const Words own = OptionNames(*command);
    names.insert(names.end(), own.begin(), own.end());
  }
  return names;
}

Words CommandNames(const CLI::App& app) {
  Words names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::string ExplainWord(const CLI::App& app, const std::string& word) {
  const std::string shown = Printable(word);
  if (absl::StartsWith(word, "-")) {
    const std::string name = word.substr(0, word.find('='));
    const std::string nearest = Nearest(absl::StripPrefix(name, "--"), OptionNames(app));
    return absl::StrCat("there is no flag ", Printable(name),
                        DidYouMean(nearest.empty() ? "" : "--" + nearest));
  }
  if (const auto given = app.get_subcommands(); !given.empty()) {
    return absl::StrCat(given.front()->get_name(), " takes no further argument '", shown, "'");
  }
  const Words commands = CommandNames(app);
  if (commands.empty()) return absl::StrCat("'", shown, "' is no flag");
  return absl::StrCat("there is no command '", shown, "'", DidYouMean(Nearest(word, commands)));
}

Words SplitAtBlanks(const char* text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
}

// Which variable of the environment the value comes from that the text is about, if it does.
std::string Origin(const CLI::App& app, const std::string& text) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string& name = option->get_envname();
    const char* const value = name.empty() ? nullptr : std::getenv(name.c_str());
    if (value == nullptr || !absl::StrContains(text, option->get_name())) continue;
    if (option->results() == Words{value} || option->results() == SplitAtBlanks(value)) {
      return absl::StrCat(" (from ", name, ")");
    }
  }
  return "";
}

// One line.
std::string Explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::string text = error.what();
  if (const Words words = app.remaining(true);
      !words.empty() && dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    return ExplainWord(app, words.front());
  }
  if (absl::string_view key = text; absl::ConsumePrefix(&key, "INI was not able to parse ")) {
    return absl::StrCat("--config: there is no setting '", Printable(key), "'",
                        DidYouMean(Nearest(key, OptionNames(app))));
  }
  return text + Origin(app, text);
}

// CLI11 takes the first of two values of one key.
class ConfigFile final : public CLI::ConfigTOML {
 public:
  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
    std::vector<CLI::ConfigItem> items = CLI::ConfigTOML::from_config(in);
    // Where a section begins and ends; of those there are none, but keys in them, which are told.
    std::erase_if(
        items, [](const CLI::ConfigItem& item) { return item.name == "++" || item.name == "--"; });
    std::set<std::string> keys;
    for (const CLI::ConfigItem& item : items) {
      if (keys.insert(item.fullname()).second) continue;
      throw CLI::ConfigError("--config: " + item.fullname() +
                             " is there twice; several values are " + "a list: [\"...\", \"...\"]");
    }
    return items;
  }
};

// Whole numbers in full.
std::string NumberText(double number) {
  return number == std::floor(number) ? absl::StrCat(static_cast<int64_t>(number))
                                      : absl::StrCat(number);
}

std::string RangeText(double least, double most) {
  return absl::StrCat("from ", NumberText(least), " to ", NumberText(most));
}

template <typename T>
std::string CheckWhole(const std::string& text) {
  T number{};
  if (absl::SimpleAtoi(text, &number)) return "";
  return absl::StrCat("'", Printable(text), "' is no whole number",
                      std::is_unsigned_v<T> ? " from 0" : "");
}

bool Repeatable(const CLI::Option& option) {
  return option.get_expected_max() > 1 && option.nonpositional();
}

// The values that the environment has for a flag that may be repeated become flags, unless the
// command line has such a flag.
void AddRepeated(const CLI::Option& option, Words& arguments) {
  if (option.get_envname().empty() || !Repeatable(option)) return;
  const char* const values = std::getenv(option.get_envname().c_str());
  const std::string flag = option.get_name();
  const auto is_flag = [&](const std::string& argument) {
    return argument == flag || absl::StartsWith(argument, flag + "=");
  };
  if (values == nullptr || std::any_of(arguments.begin(), arguments.end(), is_flag)) return;
  for (const std::string& value : SplitAtBlanks(values)) {
    arguments.push_back(absl::StrCat(flag, "=", value));
  }
}

}  // namespace

std::string CheckNumber(const std::string& text, double least, double most) {
  double number = 0;
  if (absl::SimpleAtod(text, &number) && number >= least && number <= most) return "";
  return absl::StrCat("'", Printable(text), "' is no number ", RangeText(least, most));
}

Argument Argument::FromEnvironment(std::string variable) {
  if (variable.empty()) {
    variable = "VARSCOPE_" + absl::AsciiStrToUpper(option_->get_lnames().at(0));
    std::replace(variable.begin(), variable.end(), '-', '_');
  }
  option_->envname(std::move(variable));
  return *this;
}

Argument Argument::ShowDefault() {
  option_->capture_default_str();
  return *this;
}

Argument Argument::Required() {
  option_->required();
  return *this;
}

Argument Argument::Check(std::function<std::string(const std::string&)> check) {
  option_->check(std::move(check));
  return *this;
}

Argument Argument::Check(absl::Status (*validate)(absl::string_view)) {
  return Check(
      [validate](const std::string& value) { return std::string(validate(value).message()); });
}

Argument Argument::Read(std::function<std::string(std::string&)> read) {
  option_->transform(CLI::Validator(std::move(read), ""));
  return *this;
}

Argument Argument::Within(double least, double most) {
  const auto check = [=](const std::string& text) { return CheckNumber(text, least, most); };
  option_->check(CLI::Validator(check, RangeText(least, most)));
  return *this;
}

Argument Argument::NotEmpty() {
  return Check([](const std::string& text) {
    return std::string(absl::StripAsciiWhitespace(text).empty() ? "it must not be empty" : "");
  });
}

Argument Argument::OneOf(std::vector<std::string> words) {
  option_->check(CLI::IsMember(std::move(words)));
  return *this;
}

Argument Argument::Bytes() {
  option_->transform(CLI::AsSizeValue(false));
  return Check([](const std::string& text) {
    // Sums of a few do not wrap, and none is the largest number, which means no limit.
    constexpr uint64_t kMost = uint64_t{1} << 62;
    uint64_t bytes = 0;
    const bool fits = absl::SimpleAtoi(text, &bytes) && bytes > 0 && bytes <= kMost;
    return std::string(fits ? "" : "it must be at least 1 byte, and at most 4 EiB");
  });
}

CommandLine::CommandLine(const char* about, const char* program, const char* more)
    : owned_(std::make_unique<CLI::App>(about, program)), app_(owned_.get()) {
  app_->footer(more);
}

CommandLine::CommandLine(CLI::App* app) : app_(app) {}

CommandLine::~CommandLine() = default;

Argument CommandLine::Add(const char* names, std::string* value, const char* about) {
  return Argument(app_->add_option(names, *value, about));
}
Argument CommandLine::Add(const char* names, int* value, const char* about) {
  return Argument(app_->add_option(names, *value, about)).Check(CheckWhole<int>);
}
Argument CommandLine::Add(const char* names, uint64_t* value, const char* about) {
  return Argument(app_->add_option(names, *value, about)).Check(CheckWhole<uint64_t>);
}
Argument CommandLine::Add(const char* names, double* value, const char* about) {
  return Argument(app_->add_option(names, *value, about));
}
Argument CommandLine::Add(const char* names, std::optional<double>* value, const char* about) {
  return Argument(app_->add_option(names, *value, about));
}
Argument CommandLine::Add(const char* names, std::vector<std::string>* value, const char* about) {
  return Argument(app_->add_option(names, *value, about));
}
Argument CommandLine::Add(const char* names, std::vector<uint64_t>* value, const char* about) {
  return Argument(app_->add_option(names, *value, about));
}
Argument CommandLine::AddFlag(const char* names, bool* value, const char* about) {
  return Argument(app_->add_flag(names, *value, about));
}

void CommandLine::AddVersion(const std::string& version) {
  app_->set_version_flag("--version", version);
}

void CommandLine::AddConfigFile() {
  Argument(app_->set_config("--config", "", "Read settings from this TOML or INI file")).NotEmpty();
  app_->config_formatter(std::make_shared<ConfigFile>());
  app_->allow_config_extras(CLI::config_extras_mode::error);
}

CommandLine& CommandLine::AddCommand(const char* name, const char* about,
                                     std::function<void()> chosen) {
  app_->require_subcommand(0, 1);
  app_->fallthrough();
  CLI::App* const command = app_->add_subcommand(name, about);
  command->callback(std::move(chosen));
  commands_.push_back(std::unique_ptr<CommandLine>(new CommandLine(command)));
  return *commands_.back();
}

std::optional<int> CommandLine::Parse(int argc, const char* const* argv, std::ostream& out) {
  Words arguments(argv + 1, argv + argc);
  for (const CLI::Option* option : app_->get_options()) AddRepeated(*option, arguments);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app_->parse(arguments);
    if (commands_.empty() || !app_->get_subcommands().empty()) return std::nullopt;
    throw CLI::RequiredError(
        "a command is missing, one of " + absl::StrJoin(CommandNames(*app_), ", "),
        CLI::ExitCodes::RequiredError);
  } catch (const CLI::ParseError& error) {
    // Help and version are errors to the parser.
    if (error.get_exit_code() == 0) return app_->exit(error, out);
    std::cerr << app_->get_name() << ": " << Explain(*app_, error) << " (" << app_->get_name()
              << " --help)\n";
    return 2;
  }
}

absl::Status CommandLine::Help(const std::string& command, std::ostream& out) const {
  if (command.empty()) {
    // Not app_->help(), which is that of the command that was given.
    out << app_->get_formatter()->make_help(app_, app_->get_name(), CLI::AppFormatMode::Normal);
    return absl::OkStatus();
  }
  const Words names = CommandNames(*app_);
  if (std::find(names.begin(), names.end(), command) == names.end()) {
    return absl::NotFoundError(absl::StrCat("there is no command '", Printable(command), "'",
                                            DidYouMean(Nearest(command, names))));
  }
  out << app_->get_subcommand(command)->help(app_->get_name());
  return absl::OkStatus();
}

std::vector<std::string> CommandLine::EnvironmentNames() const {
  Words names;
  for (const CLI::Option* option : app_->get_options()) {
    if (!option->get_envname().empty()) names.push_back(option->get_envname());
  }
  return names;
}

}  // namespace varscope
