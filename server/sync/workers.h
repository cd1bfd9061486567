// Who is connected: worker ids and their incarnations.
#ifndef VARSCOPE_SERVER_SYNC_WORKERS_H_
#define VARSCOPE_SERVER_SYNC_WORKERS_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/core/definer.h"
#include "server/store/store.h"

namespace varscope::server {

// One incarnation of a worker.
struct WorkerRecord {
  std::string worker_id;
  uint64_t incarnation = 0;
  Sharing sharing = Sharing::kGlobal;
  std::string host;
  int64_t pid = 0;
};

// Thread-safe.
class Workers {
 public:
  static constexpr size_t kMaxWorkers = 100000;

  // A worker that connects again is the same definer with a new incarnation; requests of its
  // earlier ones are refused from then on. Returns the incarnation, higher than all before it.
  // InvalidArgument for a bad id, ResourceExhausted above kMaxWorkers.
  absl::StatusOr<uint64_t> Connect(const std::string& worker_id, const std::string& host,
                                   int64_t pid, Sharing sharing);

  // Unauthenticated for an id that never connected, Aborted for a fenced incarnation.
  absl::StatusOr<Asker> Check(const std::string& worker_id, uint64_t incarnation) const;

  // Host and process of a connected worker; only the id for others.
  Definer Describe(const std::string& worker_id) const;

  // Told of each Connect, in order; must not call back. Set before workers come.
  void Observe(std::function<void(const WorkerRecord&)> observer) {
    observer_ = std::move(observer);
  }
  std::vector<WorkerRecord> records() const;
  // For recovery: as if it had connected.
  void Restore(const WorkerRecord& record);

 private:
  mutable std::mutex mutex_;
  uint64_t last_incarnation_ = 0;
  std::unordered_map<std::string, WorkerRecord> records_;
  std::function<void(const WorkerRecord&)> observer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_WORKERS_H_
