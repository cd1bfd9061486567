// The calls that are under way over one channel.
#ifndef VARSCOPE_CLIENT_RPC_CALL_LIST_H_
#define VARSCOPE_CLIENT_RPC_CALL_LIST_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <set>
#include <utility>

#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// So that all of them can be ended. Thread-safe.
class CallList {
 public:
  // A call is in the list for as long as this lives; `context` outlives it.
  class Entry {
   public:
    Entry(std::shared_ptr<CallList> list, grpc::ClientContext& context)
        : list_(std::move(list)), context_(context) {
      list_->Add(context_);
    }
    ~Entry() { list_->Remove(context_); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    const std::shared_ptr<CallList> list_;
    grpc::ClientContext& context_;
  };

  // Calls that are in the list, or will be, end with CANCELLED.
  void CancelAll() {
    MutexLock lock(mutex_);
    cancelled_ = true;
    for (grpc::ClientContext* const context : contexts_) context->TryCancel();
  }

 private:
  void Add(grpc::ClientContext& context) {
    MutexLock lock(mutex_);
    contexts_.insert(&context);
    if (cancelled_) context.TryCancel();
  }
  void Remove(grpc::ClientContext& context) {
    MutexLock lock(mutex_);
    contexts_.erase(&context);
  }

  Mutex mutex_;
  std::set<grpc::ClientContext*> contexts_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_CALL_LIST_H_
