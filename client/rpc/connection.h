// A worker's connection to one server.
#ifndef VARSCOPE_CLIENT_RPC_CONNECTION_H_
#define VARSCOPE_CLIENT_RPC_CONNECTION_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "client/graph/remote_store.h"
#include "client/rpc/barrier_rounds.h"
#include "client/rpc/compression.h"
#include "client/rpc/definitions.h"
#include "client/rpc/prefetch.h"
#include "client/rpc/push_order.h"
#include "client/rpc/server_client.h"
#include "client/rpc/stream_request.h"
#include "client/rpc/this_process.h"
#include "client/rpc/worker_session.h"
#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// Thread-safe. Every call has the connection's timeout as its deadline, and until then goes on
// through restarts of the server, broken connections and evictions. Where the store turns out to be
// another one or an earlier state, one call throws AbortedError; the next one first defines there
// what this worker had defined and the store has not, and throws FailedPreconditionError where that
// cannot be. In a forked child of the process that made it every call throws
// FailedPreconditionError at once, and its end does nothing.
class Connection final : public RemoteStore {
 public:
  // Throws UnavailableError, which says why, when nobody answers in time, or at once when waiting
  // cannot mend it; ValueError for what is no address or worker id; FailedPreconditionError in a
  // forked child of a process that has connected.
  Connection(const std::string& target, const ConnectOptions& options);

  const std::string& worker_id() const override { return open_.unchecked().session.worker_id(); }
  SharingMode sharing() const override { return open_.unchecked().session.sharing(); }
  std::vector<Resolved> Resolve(const std::vector<Definition>& definitions) override;
  PullResult Pull(const std::vector<std::string>& names) override;
  PullResult PullWhole(const std::vector<std::string>& names) override;
  PullResult PullRows(const std::vector<std::string>& names,
                      const std::vector<Tensor>& rows) override;
  PushAnswer Push(const PushRequest& push) override;
  PushedAndPulled PushAndPull(const PushRequest& push,
                              const std::vector<std::string>& names) override;
  // Of variables whose values the pull cache holds.
  std::optional<uint64_t> LastVersion(const std::string& variable) const override {
    return open_->server.pull_cache().VersionOf(variable);
  }
  Groups groups() const override { return open_->session.groups(); }
  uint64_t losses() const override { return open_->session.losses(); }
  std::vector<ListedVariable> List(const std::string& prefix) override;
  void Barrier(const std::string& name, uint32_t parties,
               std::chrono::milliseconds timeout) override;

 private:
  Clock::time_point Deadline() const { return Clock::now() + timeout_; }
  std::vector<Resolved> Define(const std::vector<Definition>& definitions,
                               Clock::time_point deadline);
  // Of one call.
  void DefineBatch(std::span<const Definition> definitions, Clock::time_point deadline,
                   std::vector<Resolved>& resolved);
  // After a loss: what the store has not of what this worker had defined.
  void DefineAgain(Clock::time_point deadline);
  std::vector<ListedVariable> List(const std::string& prefix, Clock::time_point deadline);
  // Whatever has been prefetched.
  PullResult PullNow(const PullSpec& spec);
  // A push that is done, and the pull of these names, if there are any, whose values may still
  // come.
  std::unique_ptr<StreamRequest> PushNow(const PushRequest& push,
                                         const std::vector<std::string>& names);
  // Its values come meanwhile.
  PushAnswer PushAndPrefetch(const PushRequest& push,
                             const std::shared_ptr<const Prefetch::Names>& names);
  // Throws what the last attempt of a request ended with, and as DefineAgain, which comes first.
  void Run(const char* call, Clock::time_point deadline, const WorkerSession::Attempt& attempt);
  // What a push must not be under way together with.
  PushOrder::Lanes LanesOf(const PushRequest& push) const;

  struct Open {
    Open(const std::string& target, const ConnectOptions& options);

    ServerClient server;
    WorkerSession session;
    std::atomic<uint64_t> resolves{0};
    Definitions definitions;
    Mutex defining_again;
    std::atomic<uint64_t> defined_at{0};  // the session's losses then
    BarrierRounds barriers;
    PushOrder order;
    Compression compression;  // its pushes' half is for who has its lane
    Prefetch prefetch;        // the last: what is on its way uses all of the above
  };

  const std::chrono::milliseconds timeout_;
  const OfThisProcess<Open> open_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_CONNECTION_H_
