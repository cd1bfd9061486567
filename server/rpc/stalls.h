// Ends streams whose other side stands still: they hold memory that others need.
#ifndef VARSCOPE_SERVER_RPC_STALLS_H_
#define VARSCOPE_SERVER_RPC_STALLS_H_

#include <chrono>
#include <functional>
#include <list>
#include <memory>

#include "proto/concurrency/mutex.h"
#include "server/env/env.h"

namespace varscope::server {

// Thread-safe. Outlives every Watch.
class Stalls {
 public:
  // Zero: streams may stand still forever.
  explicit Stalls(std::chrono::milliseconds limit, Env& env = SystemEnv());
  ~Stalls() { timer_->Stop(); }
  Stalls(const Stalls&) = delete;
  Stalls& operator=(const Stalls&) = delete;

  // Watches one stream for as long as it lives.
  class Watch {
   public:
    // `cancel` is called once when there was no progress for the limit, under a lock: it must not
    // wait, nor use the Watch.
    Watch(Stalls& stalls, std::function<void()> cancel);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    void Progress();

   private:
    friend class Stalls;
    Stalls& stalls_;
    std::function<void()> cancel_ ABSL_GUARDED_BY(stalls_.mutex_);
    Time last_ ABSL_GUARDED_BY(stalls_.mutex_);
    std::list<Watch*>::iterator at_ ABSL_GUARDED_BY(stalls_.mutex_);
  };

 private:
  Time EndStalled();

  Env& env_;
  const std::chrono::milliseconds limit_;
  Mutex mutex_;
  std::list<Watch*> watches_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timer> timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_STALLS_H_
