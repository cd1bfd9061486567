// Child processes that tests start: killed and reaped when the object goes, whatever happens.
#ifndef VARSCOPE_TESTS_SUPPORT_PROCESS_H_
#define VARSCOPE_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace varscope::testing {

class Process {
 public:
  // Runs `arguments[0]`; file descriptors in `inherit` stay open in it. Throws std::system_error.
  explicit Process(const std::vector<std::string>& arguments,
                   const std::vector<int>& inherit = {});
  // SIGKILL, if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  // Its exit code, or 128 + the signal that ended it. Throws std::runtime_error after `limit`.
  int Wait(std::chrono::seconds limit = std::chrono::seconds(120));

 private:
  pid_t pid_ = -1;
  int pidfd_ = -1;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_PROCESS_H_
