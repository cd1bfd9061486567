// What the programs say about a command line, an environment or a configuration file that they
// cannot take.
#ifndef VARSCOPE_PROTO_COMMAND_LINE_USAGE_H_
#define VARSCOPE_PROTO_COMMAND_LINE_USAGE_H_

#include <CLI/CLI.hpp>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace varscope {

// One line: which word, key or value is wrong, where it comes from, and the known one that is
// nearest to an unknown one.
std::string Explain(const CLI::App& app, const CLI::ParseError& error);

// Prints help or the version, which are errors to the parser, to `out` and returns 0; explains
// everything else on standard error and returns `usage_error`.
int Exit(const CLI::App& app, const CLI::ParseError& error, std::ostream& out, int usage_error);

// Checks of an option's value. A number is from `least` to `most`, which "nan" is not.
CLI::Validator NumberWithin(double least, double most);
CLI::Validator NotEmpty();
CLI::Validator Passes(absl::Status (*validate)(absl::string_view));

}  // namespace varscope

#endif  // VARSCOPE_PROTO_COMMAND_LINE_USAGE_H_
