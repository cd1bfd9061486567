// Keeps what the process has of memory within its limit, also what no account counts.
#ifndef VARSCOPE_SERVER_MEMORY_GUARD_H_
#define VARSCOPE_SERVER_MEMORY_GUARD_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "proto/memory/memory_account.h"
#include "server/env/env.h"
#include "server/rpc/busy_connections.h"

namespace varscope::server {

// Looks on a timer. What was freed and is kept for later goes back to the system when the process
// comes near the limit. What is in use and not in the account is bytes that gRPC has received and
// nobody has read yet: its own quota (ServiceLimits::buffered_bytes) ends one stream after the
// other, which is too slow where many connections send as fast as they can. When there is more of
// that than its part, and than the account has free, the connections that brought it are ended;
// their workers, if they are workers, connect again. What is in the account ends nobody, however
// much that is: a rollback has two states, whatever the limit is. Thread-safe.
class MemoryGuard {
 public:
  // `limit` in bytes is that of the process, of which what is not in `account` may have an eighth;
  // an account whose own limit was raised above it raises it. `connections` are the server's.
  MemoryGuard(uint64_t limit, const MemoryAccount& account, BusyConnections connections, Env& env);
  ~MemoryGuard() { timer_->Stop(); }
  MemoryGuard(const MemoryGuard&) = delete;
  MemoryGuard& operator=(const MemoryGuard&) = delete;

 private:
  struct Seen {
    Time at;
    uint64_t excess = 0;
  };

  Time Look();
  void GiveBack(Time now, bool urgent);
  // What may be in use or kept now.
  uint64_t Allowed() const;
  // What there is above that.
  uint64_t Excess() const;
  void Judge(Seen now);
  // Whether there were any.
  bool EndBusyConnections(uint64_t excess);

  Env& env_;
  const MemoryAccount& account_;
  const uint64_t limit_;
  // The rest is the timer's.
  Time gave_back_{};
  std::optional<Seen> beginning_;  // of what connections bring; nothing: there is memory
  Seen ended_{};                   // when connections were ended for the last time
  BusyConnections connections_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_MEMORY_GUARD_H_
