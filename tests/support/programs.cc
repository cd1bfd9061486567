#include "tests/support/programs.h"

namespace varscope::testing {

std::string Built(std::string_view file) { return std::string(VARSCOPE_BUILD "/").append(file); }

std::string Digits() { return VARSCOPE_DIGITS; }

}  // namespace varscope::testing
