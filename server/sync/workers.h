// Who is connected: worker ids and their incarnations.
#ifndef VARSCOPE_SERVER_SYNC_WORKERS_H_
#define VARSCOPE_SERVER_SYNC_WORKERS_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "proto/core/definer.h"
#include "server/store/store.h"

namespace varscope::server {

// Thread-safe.
class Workers {
 public:
  // A worker that connects again is the same definer with a new incarnation; requests of its
  // earlier ones are refused from then on. Returns the incarnation, unique in this server's life.
  absl::StatusOr<uint64_t> Connect(const std::string& worker_id, const std::string& host,
                                   int64_t pid, Sharing sharing);

  // Unauthenticated for an id that never connected, Aborted for a fenced incarnation.
  absl::StatusOr<Asker> Check(const std::string& worker_id, uint64_t incarnation) const;

  // Host and process of a connected worker; only the id for others.
  Definer Describe(const std::string& worker_id) const;

 private:
  struct Entry {
    uint64_t incarnation;
    Sharing sharing;
    std::string host;
    int64_t pid;
  };
  mutable std::mutex mutex_;
  uint64_t last_incarnation_ = 0;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_WORKERS_H_
