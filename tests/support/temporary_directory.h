// A directory that goes with its owner.
#ifndef VARSCOPE_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
#define VARSCOPE_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace varscope::testing {

class TemporaryDirectory {
 public:
  // Throws std::system_error.
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "varscope-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), pattern);
    }
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
