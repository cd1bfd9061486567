// How safe a change is when its worker hears of it.
#ifndef VARSCOPE_SERVER_SYNC_DURABILITY_H_
#define VARSCOPE_SERVER_SYNC_DURABILITY_H_

#include <cstdint>
#include <filesystem>
#include <functional>

#include "absl/status/statusor.h"

namespace varscope::server {

enum class DurabilityLevel : uint8_t {
  kNone = 0,   // in memory
  kAsync = 1,  // in memory, and on the medium within the configured interval
  kSync = 2,   // on the medium
};

// Thread-safe.
class Durability {
 public:
  virtual ~Durability() = default;

  virtual DurabilityLevel level() const = 0;

  // OK, or why no change may be made now: the log cannot be written, or is too far behind
  // (ResourceExhausted). Asked before a change.
  virtual absl::Status Admit() const = 0;

  // Calls `done` once all changes made so far are as safe as the level says, perhaps before it
  // returns, perhaps on another thread. Unavailable when that fails: whether the changes survive a
  // crash is not known, and asking again is safe.
  using Done = std::function<void(absl::Status)>;
  virtual void AfterAllSoFar(Done done) = 0;
  // The same, once they are on the medium at kAsync too: for what a worker cannot do again on its
  // own, its incarnation and its variables.
  virtual void OnceOnMedium(Done done) = 0;

  // Writes one consistent cut of everything while changes go on; returns the file.
  virtual absl::StatusOr<std::filesystem::path> TakeSnapshot() = 0;
};

// Level none.
class NoDurability final : public Durability {
 public:
  DurabilityLevel level() const override { return DurabilityLevel::kNone; }
  absl::Status Admit() const override { return absl::OkStatus(); }
  void AfterAllSoFar(Done done) override { done(absl::OkStatus()); }
  void OnceOnMedium(Done done) override { done(absl::OkStatus()); }
  absl::StatusOr<std::filesystem::path> TakeSnapshot() override {
    return absl::FailedPreconditionError("the server keeps nothing: start it with --data-dir");
  }
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_DURABILITY_H_
