// Child processes that tests start: killed and reaped when the object goes, whatever happens.
#ifndef VARSCOPE_TESTS_SUPPORT_PROCESS_H_
#define VARSCOPE_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace varscope::testing {

// File descriptors that a child gets; -1: the parent's.
struct Descriptors {
  int input = -1;
  int output = -1;
  int error = -1;
  std::vector<int> inherit = {};  // stay open under their own number
};

class Process {
 public:
  // Runs `arguments[0]`. Throws std::system_error.
  explicit Process(const std::vector<std::string>& arguments, const Descriptors& descriptors = {});
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

// The peak of a process's resident memory, in bytes; 0 when there is no such process.
double PeakMemoryOf(pid_t pid);

struct Finished {
  int code;
  std::string output;
  std::string error;
};

// A process whose input is given and whose output is kept.
class CapturedProcess {
 public:
  explicit CapturedProcess(const std::vector<std::string>& arguments,
                           const std::string& input = "");
  ~CapturedProcess();
  CapturedProcess(const CapturedProcess&) = delete;
  CapturedProcess& operator=(const CapturedProcess&) = delete;
  Finished Wait(std::chrono::seconds limit = std::chrono::seconds(900));

 private:
  int input_;
  int output_;
  int error_;
  Process process_;
};

// Runs one to its end.
Finished RunToEnd(const std::vector<std::string>& arguments, const std::string& input = "");

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_PROCESS_H_
