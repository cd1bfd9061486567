// Everything that the server gets from its surroundings: time, chance, files, and threads to do
// what is due. `main` gives it the operating system's; a simulation gives it one of its own, in
// which one thread does everything, and which one number determines (tests/simulation).
#ifndef VARSCOPE_SERVER_ENV_ENV_H_
#define VARSCOPE_SERVER_ENV_ENV_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/env/files.h"

namespace varscope::server {

// Steady: deadlines, leases, waits.
using Time = std::chrono::steady_clock::time_point;
inline constexpr Time kNever = Time::max();

// A task that runs whenever it is due, never twice at a time. Thread-safe.
class Timer {
 public:
  // Does what is due, and returns when it is due next; kNever: when it is woken. A past time: as
  // soon as possible. It never waits for another timer's task.
  using Task = std::function<Time()>;

  Timer() = default;
  // Stops.
  virtual ~Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // The task runs soon, because something is due earlier than it said. Takes no memory.
  virtual void Wake() noexcept = 0;
  // The task does not run any more when this returns. Not from the task.
  virtual void Stop() = 0;
};

// Thread-safe. Outlives whatever was given it.
class Env {
 public:
  virtual ~Env() = default;

  virtual Time Now() = 0;
  // Microseconds since 1970. It may jump: a label for people, never compared.
  virtual int64_t WallMicros() = 0;
  // Not to be guessed.
  virtual uint64_t Random64() = 0;
  // Runs the task for the first time soon. `name` is for people. Throws std::system_error when no
  // thread is to be had, which only a start of the server meets.
  virtual std::unique_ptr<Timer> StartTimer(std::string name, Timer::Task task) = 0;
  // The error says why it cannot be opened, or made.
  virtual absl::StatusOr<std::unique_ptr<Directory>> OpenDirectory(
      const std::filesystem::path& path, IfMissing missing) = 0;
  // The calling thread, which is a timer's, does what nobody waits for: others go first.
  virtual void YieldToOthers() {}
};

// The operating system's: a thread for each timer. Lives as long as the process.
Env& SystemEnv();

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_ENV_ENV_H_
