// What tests start and read.
#ifndef VARSCOPE_TESTS_SUPPORT_PROGRAMS_H_
#define VARSCOPE_TESTS_SUPPORT_PROGRAMS_H_

#include <string>
#include <string_view>
#include <vector>

namespace varscope::testing {

// The path of a file of this build: Built("bin/varscoped").
std::string Built(std::string_view file);
// The path of the examples' handwritten digits.
std::string Digits();
// varscopectl's command line, for the server at `target`.
std::vector<std::string> CtlCommand(const std::string& target,
                                    const std::vector<std::string>& words);

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_PROGRAMS_H_
