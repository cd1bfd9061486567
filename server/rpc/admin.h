// varscope.v1.Admin over gRPC.
#ifndef VARSCOPE_SERVER_RPC_ADMIN_H_
#define VARSCOPE_SERVER_RPC_ADMIN_H_

#include <grpcpp/grpcpp.h>

#include "server/auth/caller.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "server/rpc/shared_snapshot.h"
#include "server/rpc/work_serializer.h"
#include "varscope/v1/admin.grpc.pb.h"

namespace varscope::server {

// As raw bytes, so that the memory of what comes is counted.
using RawAdminCalls = v1::Admin::WithRawMethod_ListVariables<
    v1::Admin::WithRawMethod_DescribeVariable<v1::Admin::WithRawMethod_TakeSnapshot<
        v1::Admin::WithRawMethod_ListSnapshots<v1::Admin::WithRawMethod_Rollback<
            v1::Admin::WithRawMethod_ListWorkers<v1::Admin::WithRawMethod_ListGroups<
                v1::Admin::WithRawMethod_Quarantine<v1::Admin::Service>>>>>>>>;

// All calls are served in a CallQueue. Those that write files do so one after the other, and beside
// them those that read some. Whatever looks at the store, or at all workers, is asked for in a few
// bytes, so it is done in turns of one page. Thread-safe.
class AdminService final : public RawAdminCalls {
 public:
  explicit AdminService(const ServiceContext& context) : context_(context) {}

  // To be called when the server has started, once. `queue` is one of the server's.
  void Accept(CallQueue& queue);
  // What waits for its turn to use files ends with Unavailable, now and from now on.
  void Stop();

 private:
  // All workers have one thread for what they look at, and all others have one.
  WorkSerializer& LooksOf(const Caller& caller) {
    return caller.is_worker() ? looks_of_workers_ : looks_;
  }

  const ServiceContext context_;
  static constexpr size_t kMostWaiting = 32;
  WorkSerializer writes_{kMostWaiting};
  WorkSerializer reads_{kMostWaiting};
  WorkSerializer looks_;
  WorkSerializer looks_of_workers_;
  SharedSnapshot unnamed_;  // taken in turn
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_ADMIN_H_
