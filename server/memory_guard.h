// Keeps what the process has of memory within its limit, also what no account counts.
#ifndef VARSCOPE_SERVER_MEMORY_GUARD_H_
#define VARSCOPE_SERVER_MEMORY_GUARD_H_

#include <cstdint>
#include <memory>

#include "server/env/env.h"
#include "server/rpc/busy_connections.h"

namespace varscope::server {

// Looks on a timer. What was freed and is kept for later goes back to the system when the process
// comes near the limit. When what is in use is above it, that is bytes that gRPC has received and
// nobody has read yet: its own quota (ServiceLimits::buffered_bytes) ends one stream after the
// other, which is too slow where many connections send as fast as they can. Then the connections
// that bring the most are ended; their workers, if they are workers, connect again. Thread-safe.
class MemoryGuard {
 public:
  // `limit` in bytes is that of the process, `counted` what the account may come to: an eighth of
  // the limit above that, `connections`, the server's, are ended.
  MemoryGuard(uint64_t limit, uint64_t counted, BusyConnections connections, Env& env);
  ~MemoryGuard() { timer_->Stop(); }
  MemoryGuard(const MemoryGuard&) = delete;
  MemoryGuard& operator=(const MemoryGuard&) = delete;

 private:
  Time Look();
  void GiveBack(Time now, bool urgent);
  void EndBusyConnections();

  Env& env_;
  const uint64_t limit_;
  const uint64_t in_use_limit_;
  // The rest is the timer's.
  Time gave_back_{};
  BusyConnections connections_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_MEMORY_GUARD_H_
