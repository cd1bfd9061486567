// How safe a change is when its worker hears of it.
#ifndef VARSCOPE_SERVER_SYNC_DURABILITY_H_
#define VARSCOPE_SERVER_SYNC_DURABILITY_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/concurrency/done_once.h"

namespace varscope::server {

enum class DurabilityLevel : uint8_t {
  kNone = 0,   // in memory
  kAsync = 1,  // in memory, and on stable storage within the configured interval
  kSync = 2,   // on stable storage
};

struct SnapshotInfo {
  std::string name;
  std::filesystem::path path;
  uint64_t position = 0;  // the last change that is part of it
  int64_t time_unix_micros = 0;
  uint64_t global_step = 0;
  uint64_t bytes = 0;
  uint64_t variables = 0;
  std::string damage;  // why it cannot be used, as far as its head tells; empty: it can
};

struct TakenSnapshot {
  std::string name;  // as SnapshotInfo::name
  std::filesystem::path path;
};

// Thread-safe.
class Durability {
 public:
  virtual ~Durability() = default;

  virtual DurabilityLevel level() const = 0;

  // OK, or why nothing reaches the disk, until that is mended: then no change may be made.
  virtual absl::Status Health() const = 0;
  // OK, or why no change may be made now: Health, or the log is too far behind
  // (ResourceExhausted). Asked before a change.
  virtual absl::Status Admit() const = 0;

  // Calls `done` once all changes made so far are as safe as the level says, perhaps before it
  // returns, perhaps on another thread. Unavailable when that fails: whether the changes survive a
  // crash is not known, and asking again is safe.
  using Done = DoneOnce<absl::Status>;
  virtual void WhenDurable(Done done) = 0;
  // The same, once they are on stable storage at kAsync too: for what a worker cannot do again on
  // its own, its incarnation and its variables.
  virtual void WhenOnStableStorage(Done done) = 0;

  // Writes a consistent snapshot of everything while changes go on. A snapshot with a name is kept,
  // AlreadyExists when there is one of that name, InvalidArgument for a bad name,
  // ResourceExhausted when it would take the room that the server needs itself; one without goes as
  // others follow.
  virtual absl::StatusOr<TakenSnapshot> TakeSnapshot(const std::string& name) = 0;
  // Newest first.
  virtual absl::StatusOr<std::vector<SnapshotInfo>> ListSnapshots() = 0;
  // Makes the store what the snapshot holds, durably and at once, and fences off every worker.
  // NotFound names what there is; DataLoss when the snapshot is damaged; with any error nothing has
  // changed. Returns the global step.
  virtual absl::StatusOr<uint64_t> Rollback(const std::string& name) = 0;
};

// Level none.
class NoDurability : public Durability {
 public:
  DurabilityLevel level() const override { return DurabilityLevel::kNone; }
  absl::Status Health() const override { return absl::OkStatus(); }
  absl::Status Admit() const override { return absl::OkStatus(); }
  void WhenDurable(Done done) override { done(absl::OkStatus()); }
  void WhenOnStableStorage(Done done) override { done(absl::OkStatus()); }
  absl::StatusOr<TakenSnapshot> TakeSnapshot(const std::string&) override { return Nothing(); }
  absl::StatusOr<std::vector<SnapshotInfo>> ListSnapshots() override { return Nothing(); }
  absl::StatusOr<uint64_t> Rollback(const std::string&) override { return Nothing(); }

 private:
  static absl::Status Nothing() {
    return absl::FailedPreconditionError("the server keeps nothing: start it with --data-dir");
  }
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_DURABILITY_H_
