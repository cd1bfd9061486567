#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace varscope::testing {

namespace {

// A file in memory, at its start, that holds `text`.
int MemoryFile(const std::string& text) {
  const int fd = memfd_create("varscope-test", MFD_CLOEXEC);
  if (fd < 0 || write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::system_error(errno, std::generic_category(), "memfd_create");
  }
  lseek(fd, 0, SEEK_SET);
  return fd;
}

std::string Contents(int fd) {
  std::string text(lseek(fd, 0, SEEK_END), '\0');
  const ssize_t n = pread(fd, text.data(), text.size(), 0);
  text.resize(n < 0 ? 0 : n);
  return text;
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const Descriptors& descriptors) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (descriptors.input >= 0) dup2(descriptors.input, STDIN_FILENO);
    if (descriptors.output >= 0) dup2(descriptors.output, STDOUT_FILENO);
    if (descriptors.error >= 0) dup2(descriptors.error, STDERR_FILENO);
    for (int fd : descriptors.inherit) fcntl(fd, F_SETFD, 0);
    execv(argv[0], argv.data());
    _exit(127);
  }
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd_ < 0) throw std::system_error(errno, std::generic_category(), "pidfd_open");
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (pidfd_ >= 0) close(pidfd_);
}

void Process::Signal(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

int Process::Wait(std::chrono::seconds limit) {
  pollfd ended{pidfd_, POLLIN, 0};
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(limit);
  if (poll(&ended, 1, static_cast<int>(milliseconds.count())) != 1) {
    throw std::runtime_error("process " + std::to_string(pid_) + " did not end in time");
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

CapturedProcess::CapturedProcess(const std::vector<std::string>& arguments,
                                 const std::string& input)
    : input_(MemoryFile(input)),
      output_(MemoryFile("")),
      error_(MemoryFile("")),
      process_(arguments, {.input = input_, .output = output_, .error = error_}) {}

CapturedProcess::~CapturedProcess() {
  close(input_);
  close(output_);
  close(error_);
}

Finished CapturedProcess::Wait(std::chrono::seconds limit) {
  const int code = process_.Wait(limit);
  return {code, Contents(output_), Contents(error_)};
}

Finished RunToEnd(const std::vector<std::string>& arguments, const std::string& input) {
  return CapturedProcess(arguments, input).Wait();
}

double PeakMemoryOf(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return 1024 * std::stod(line.substr(6));
  }
  return 0;
}

}  // namespace varscope::testing
