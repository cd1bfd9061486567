#include "tests/support/programs.h"

namespace varscope::testing {

std::string Built(std::string_view file) { return std::string(VARSCOPE_BUILD "/").append(file); }

std::string Digits() { return VARSCOPE_DIGITS; }

std::vector<std::string> CtlCommand(const std::string& target,
                                    const std::vector<std::string>& words) {
  std::vector<std::string> command = {Built("bin/varscopectl"), "--target", target};
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

}  // namespace varscope::testing
