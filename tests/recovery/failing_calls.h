// The system's calls that change files, of this whole program: each may be made to fail, or be
// watched, by its number. The program's own definitions come before the C library's.
#ifndef VARSCOPE_TESTS_RECOVERY_FAILING_CALLS_H_
#define VARSCOPE_TESTS_RECOVERY_FAILING_CALLS_H_

#include <filesystem>
#include <functional>
#include <string>

namespace varscope::testing {

// While it lives, calls that change something in `directory` are counted from 0.
class CallWatch {
 public:
  struct Failing {
    int from = -1;         // the number of the first call that fails; -1: none does
    int count = 1;         // how many do
    int error = 28;        // ENOSPC
    bool removals = true;  // those of files, too
    bool others = true;    // also calls that do not write to a file
    std::string except;    // but none of the file of this name
  };
  // `before` is called before each, on any thread, one at a time.
  CallWatch(std::filesystem::path directory, Failing failing,
            std::function<void(int number)> before = nullptr);
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  // So far.
  int calls() const;
  // From now on none fails.
  void Heal();
  // Runs `look` while no such call is under way; its own are not counted.
  void Between(const std::function<void()>& look) const;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_RECOVERY_FAILING_CALLS_H_
