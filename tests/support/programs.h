// What tests start and read.
#ifndef VARSCOPE_TESTS_SUPPORT_PROGRAMS_H_
#define VARSCOPE_TESTS_SUPPORT_PROGRAMS_H_

#include <string>
#include <string_view>

namespace varscope::testing {

// The path of a file of this build: Built("bin/varscoped").
std::string Built(std::string_view file);
// The path of the examples' handwritten digits.
std::string Digits();

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_PROGRAMS_H_
