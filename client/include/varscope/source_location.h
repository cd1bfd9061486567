// The place of a program that defines something: error messages and listings show it.
#ifndef VARSCOPE_SOURCE_LOCATION_H_
#define VARSCOPE_SOURCE_LOCATION_H_

#include <source_location>
#include <string>
#include <utility>

namespace varscope {

// A file's name and a line that counts from 1; line 0 means that the line is not known. A value.
//
// Functions that define something have the parameter `const SourceLocation& where =
// std::source_location::current()`, which is the line of the caller. A binding for another language
// passes the file and line of the program that it runs: {"train.py", 42}.
struct SourceLocation {
  // Implicit, so that std::source_location::current() can be a default argument.
  SourceLocation(const std::source_location& where)
      : file(where.file_name()), line(static_cast<int>(where.line())) {}
  // Of another language's program. `line_number` is not negative.
  SourceLocation(std::string file_name, int line_number)
      : file(std::move(file_name)), line(line_number) {}

  std::string file;
  int line;
};

}  // namespace varscope

#endif  // VARSCOPE_SOURCE_LOCATION_H_
