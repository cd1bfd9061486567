// What a program is told by its command line, its environment and a configuration file. Each
// mistake in them gets one line on standard error: which word, key or value is wrong, where it
// comes from, and the known one that is nearest to an unknown one.
#ifndef VARSCOPE_PROTO_COMMAND_LINE_COMMAND_LINE_H_
#define VARSCOPE_PROTO_COMMAND_LINE_COMMAND_LINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace varscope {

// What is wrong with `text` as a number from `least` to `most`, which "nan" is not; "": nothing.
std::string CheckNumber(const std::string& text, double least, double most);

// One flag, or one argument without a flag. Each function returns the argument itself.
class Argument {
 public:
  explicit Argument(CLI::Option* option) : option_(option) {}

  // From there the value comes when the command line has none: of --some-flag from
  // VARSCOPE_SOME_FLAG, if no `variable` is given. Several values have blanks between them.
  Argument FromEnvironment(std::string variable = "");
  Argument ShowDefault();
  Argument Required();
  // Returns what is wrong with a value, "" for nothing; `read` may change the value first.
  Argument Check(std::function<std::string(const std::string& value)> check);
  Argument Read(std::function<std::string(std::string& value)> read);
  Argument Check(absl::Status (*validate)(absl::string_view value));
  // As CheckNumber.
  Argument Within(double least, double most);
  Argument NotEmpty();
  Argument OneOf(std::vector<std::string> words);
  // At least one byte, at most 4 EiB; KiB, MiB and GiB are understood.
  Argument Bytes();

 private:
  CLI::Option* option_;
};

// Not thread-safe. What `value`s point to must outlive Parse().
class CommandLine {
 public:
  // `more` ends the help.
  CommandLine(const char* about, const char* program, const char* more = "");
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // `names` is "--flag", "-f,--flag", or "name" for an argument without a flag. What several values
  // can be given to may be repeated.
  Argument Add(const char* names, std::string* value, const char* about);
  Argument Add(const char* names, int* value, const char* about);
  Argument Add(const char* names, uint64_t* value, const char* about);
  Argument Add(const char* names, double* value, const char* about);
  Argument Add(const char* names, std::optional<double>* value, const char* about);
  Argument Add(const char* names, std::vector<std::string>* value, const char* about);
  Argument Add(const char* names, std::vector<uint64_t>* value, const char* about);
  // "!--no-flag" sets false.
  Argument AddFlag(const char* names, bool* value, const char* about);
  // --version prints it.
  void AddVersion(const std::string& version);
  // --config names a TOML or INI file, whose keys are the flags' names.
  void AddConfigFile();

  // Something that the program can do; where there are commands, one must be given. `chosen` is
  // called by Parse(). The reference lives as long as this.
  CommandLine& AddCommand(const char* name, const char* about, std::function<void()> chosen);

  // Sets the values. Returns the exit code where the program ends here: 0 after --help and
  // --version, which print to `out`, and 2 after a mistake.
  std::optional<int> Parse(int argc, const char* const* argv, std::ostream& out);

  // Of a command; of all when `command` is empty. Not found: what is wrong.
  absl::Status Help(const std::string& command, std::ostream& out) const;
  // The variables that FromEnvironment() names.
  std::vector<std::string> EnvironmentNames() const;

 private:
  explicit CommandLine(CLI::App* app);

  std::unique_ptr<CLI::App> owned_;  // none of a command's
  CLI::App* const app_;
  std::vector<std::unique_ptr<CommandLine>> commands_;
};

}  // namespace varscope

#endif  // VARSCOPE_PROTO_COMMAND_LINE_COMMAND_LINE_H_
