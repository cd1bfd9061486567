// A real varscoped on a free loopback port.
#ifndef VARSCOPE_TESTS_SUPPORT_SERVER_PROCESS_H_
#define VARSCOPE_TESTS_SUPPORT_SERVER_PROCESS_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace varscope::testing {

// How it is started.
struct Launch {
  std::vector<std::string> through = {};  // a program that runs what follows: {"/usr/bin/env"}
  int error = -1;                         // its standard error; -1: the test's own
  std::string log_level = "error";
};

class ServerProcess {
 public:
  // Returns when it serves. Throws std::runtime_error when it does not.
  explicit ServerProcess(const std::vector<std::string>& flags = {}, const Launch& launch = {});

  const std::string& target() const { return target_; }
  int port() const { return std::stoi(target_.substr(target_.rfind(':') + 1)); }
  Process& process() { return *process_; }
  // Runs varscopectl, which asks this server, to its end.
  Finished Ctl(const std::vector<std::string>& words) const;
  // SIGTERM; the exit code.
  int Stop();
  // SIGKILL, when it runs. Returns when it is gone.
  void Kill();
  // Again, at the same target with the same flags, after Stop or Kill. Returns when it serves.
  void Restart();
  // The same with other flags.
  void Restart(std::vector<std::string> flags);

 private:
  void Start(const std::string& listen);

  std::vector<std::string> flags_;
  const Launch launch_;
  std::unique_ptr<Process> process_;
  std::string target_;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_SERVER_PROCESS_H_
