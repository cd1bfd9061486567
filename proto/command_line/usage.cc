#include "proto/command_line/usage.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/core/names.h"
#include "proto/core/nearest.h"

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

}  // namespace

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

int Exit(const CLI::App& app, const CLI::ParseError& error, std::ostream& out, int usage_error) {
  if (error.get_exit_code() == 0) return app.exit(error, out);
  std::cerr << app.get_name() << ": " << Explain(app, error) << " (" << app.get_name()
            << " --help)\n";
  return usage_error;
}

CLI::Validator NumberWithin(double least, double most) {
  const auto check = [least, most](const std::string& text) {
    double number = 0;
    if (absl::SimpleAtod(text, &number) && number >= least && number <= most) return std::string();
    return absl::StrCat("'", Printable(text), "' is no number from ", least, " to ", most);
  };
  return CLI::Validator(check, absl::StrCat("from ", least, " to ", most));
}

CLI::Validator NotEmpty() {
  const auto check = [](const std::string& text) {
    return std::string(absl::StripAsciiWhitespace(text).empty() ? "it must not be empty" : "");
  };
  return CLI::Validator(check, "");
}

CLI::Validator Passes(absl::Status (*validate)(absl::string_view)) {
  const auto check = [validate](const std::string& text) {
    return std::string(validate(text).message());
  };
  return CLI::Validator(check, "");
}

}  // namespace varscope
