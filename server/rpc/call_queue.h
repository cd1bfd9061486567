// gRPC's completion queue for the calls that must not hold a thread while they wait.
#ifndef VARSCOPE_SERVER_RPC_CALL_QUEUE_H_
#define VARSCOPE_SERVER_RPC_CALL_QUEUE_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "proto/concurrency/blocking_region.h"
#include "proto/concurrency/mutex.h"

namespace varscope::server {

// Leaders wait for gRPC's events and work on them; when one is in a BlockingRegion, a follower
// compensates for it. One leader is fastest where there are few cores: threads that wait for the
// same events wake each other for each of them. (gRPC's callback API has at least two such threads,
// and one service that uses it undoes this for the whole process, because they watch the same
// sockets.) Thread-safe.
class CallQueue final : private CompensatingPool {
 public:
  // When they all wait, so does the rest.
  static constexpr size_t kMostThreads = 64;

  CallQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue, int leaders);
  // False when no thread could be had: nothing will be served.
  bool runs() const;
  // After the server's Shutdown. Returns when no call is left.
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  // Held by whoever may begin an operation, and by the operation.
  class Hold {
   public:
    explicit Hold(CallQueue& queue);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    CallQueue& queue_;
  };

  // What to give to gRPC as the tag of one operation of `call` on queue(): `then` is called at its
  // end, on one of the queue's threads, and what it holds, `call` among it, is let go. When there
  // is no memory for what `then` does (std::bad_alloc), the call is cancelled: nobody waits for it.
  static void* Tag(grpc::ServerContext& call, std::function<void(bool ok)> then);
  // Makes such a tag, and calls `begin`, which gives it to gRPC. What throws has begun nothing.
  static void Begin(grpc::ServerContext& call, std::function<void(bool ok)> then,
                    absl::FunctionRef<void(void* tag)> begin);
  // Calls `then` on one of the queue's threads, soon; `call` and memory as with Tag, also now.
  // Whoever calls this keeps `call` until it returns, and has a Hold until then.
  template <typename Then>
  void Post(grpc::ServerContext& call, Then then) noexcept {
    try {
      PostOne(call, std::move(then));
    } catch (const std::bad_alloc&) {
      EndWithoutMemory(call);
    }
  }
  // A call for whose next act there is no memory ends, and its caller is told; the others go on.
  static void EndWithoutMemory(grpc::ServerContext& call) noexcept;
  // Calls `act` again and again until there is memory for it. What asks gRPC for the next call of a
  // method is such: a method for whose next call nobody asks would never be served again.
  static void UntilThereIsMemory(absl::FunctionRef<void()> act);
  // For a tag that gRPC will not return.
  static void Drop(void* tag);
  // One that gRPC has not been given yet; release() gives it.
  struct Dropper {
    void operator()(void* tag) const { Drop(tag); }
  };
  using OwnTag = std::unique_ptr<void, Dropper>;
  grpc::ServerCompletionQueue* queue() const { return queue_.get(); }

 private:
  void PostOne(grpc::ServerContext& call, std::function<void()> then);
  void BeginCompensatedBlock() noexcept override;
  void EndCompensatedBlock() noexcept override;
  // Without a thread, or memory for it, it does nothing.
  void AddThread() noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Serve();
  // Returns when the thread is a leader, or false at the end.
  bool Follow();
  // Whether the thread is no longer a leader, because there are too many.
  bool StepDown();
  void End();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  const int most_leaders_;
  mutable Mutex mutex_;
  CondVar none_;
  int holds_ ABSL_GUARDED_BY(mutex_) = 0;
  CondVar wanted_;
  int leaders_ ABSL_GUARDED_BY(mutex_) = 0;  // who wait for events or will soon
  int followers_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_CALL_QUEUE_H_
