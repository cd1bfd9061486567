#include "tests/support/server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "tests/support/programs.h"

namespace varscope::testing {
namespace {

constexpr int kStartMilliseconds = 60000;

// The port, a line that the server writes once it serves.
std::string ReadPort(int fd) {
  std::string line;
  while (line.empty() || line.back() != '\n') {
    pollfd readable{fd, POLLIN, 0};
    std::array<char, 32> buffer{};
    if (poll(&readable, 1, kStartMilliseconds) != 1) break;
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n <= 0) break;
    line.append(buffer.data(), n);
  }
  if (line.empty() || line.back() != '\n') throw std::runtime_error("varscoped did not start");
  line.pop_back();
  return line;
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& flags, const Launch& launch)
    : flags_(flags), launch_(launch) {
  Start("127.0.0.1:0");
}

void ServerProcess::Start(const std::string& listen) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  std::vector<std::string> arguments = launch_.through;
  arguments.insert(arguments.end(), {Built("bin/varscoped"), "--listen", listen, "--ready-fd",
                                     std::to_string(ends[1]), "--log-level", launch_.log_level});
  arguments.insert(arguments.end(), flags_.begin(), flags_.end());
  process_ = std::make_unique<Process>(arguments,
                                       Descriptors{.error = launch_.error, .inherit = {ends[1]}});
  close(ends[1]);
  std::string port;
  try {
    port = ReadPort(ends[0]);
  } catch (...) {
    close(ends[0]);
    throw;
  }
  close(ends[0]);
  target_ = "127.0.0.1:" + port;
}

void ServerProcess::Kill() { process_.reset(); }

void ServerProcess::Restart() { Start(target_); }

void ServerProcess::Restart(std::vector<std::string> flags) {
  flags_ = std::move(flags);
  Restart();
}

Finished ServerProcess::Ctl(const std::vector<std::string>& words) const {
  return RunToEnd(CtlCommand(target_, words));
}

int ServerProcess::Stop() {
  process_->Signal(SIGTERM);
  return process_->Wait();
}

}  // namespace varscope::testing
