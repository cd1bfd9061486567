// What belongs to the process that made it, and not to its forked children.
#ifndef VARSCOPE_CLIENT_RPC_THIS_PROCESS_H_
#define VARSCOPE_CLIENT_RPC_THIS_PROCESS_H_

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "varscope/errors.h"

namespace varscope::internal {

// Another number in each forked child than in its parent: without a system call.
inline uint64_t ForkCount() {
  static std::atomic<uint64_t> forks{0};
  // The handler stays registered; without memory for it forks are not seen.
  [[maybe_unused]] static const int registered =
      pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  return forks.load(std::memory_order_relaxed);
}

// Throws FailedPreconditionError in a child of a process that has called it: a forked child has
// none of its parent's threads, gRPC's among them, so that what uses them would wait forever.
inline void RefuseForkedChild() {
  static std::atomic<pid_t> first{0};
  pid_t process = 0;
  const pid_t own = getpid();
  if (first.compare_exchange_strong(process, own) || process == own) return;
  throw FailedPreconditionError(
      absl::StrCat("forked after connecting: process ", own, " is a child of process ", process,
                   ", which had connected to varscoped before the fork, and cannot use or make a "
                   "connection; fork first, or start a program of its own (exec)"));
}

// Has a T, which a child of this process neither uses nor destroys: what the child has is a copy
// of an object whose threads are not there, and whose connections are its parent's. Thread-safe if
// T is.
template <typename T>
class OfThisProcess {
 public:
  // Throws as RefuseForkedChild and T's constructor.
  template <typename... Arguments>
  explicit OfThisProcess(Arguments&&... arguments)
      : own_((RefuseForkedChild(), std::make_unique<T>(std::forward<Arguments>(arguments)...))) {}
  ~OfThisProcess() {
    if (ForkCount() != forks_) own_.release();  // NOLINT(bugprone-unused-return-value): it leaks
  }
  OfThisProcess(const OfThisProcess&) = delete;
  OfThisProcess& operator=(const OfThisProcess&) = delete;

  // Throws as RefuseForkedChild.
  T& operator*() const {
    if (ForkCount() != forks_) RefuseForkedChild();
    return *own_;
  }
  T* operator->() const { return &**this; }
  // For what a child may see, too.
  const T& unchecked() const { return *own_; }

 private:
  const uint64_t forks_ = ForkCount();
  std::unique_ptr<T> own_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_THIS_PROCESS_H_
