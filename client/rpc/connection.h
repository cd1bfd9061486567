// A worker's connection to one server.
#ifndef VARSCOPE_CLIENT_RPC_CONNECTION_H_
#define VARSCOPE_CLIENT_RPC_CONNECTION_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/graph/remote_store.h"
#include "client/rpc/compression.h"
#include "client/rpc/prefetch.h"
#include "client/rpc/push_order.h"
#include "client/rpc/server_client.h"
#include "client/rpc/stream_request.h"
#include "client/rpc/worker_session.h"

namespace varscope::internal {

// Thread-safe. Every call has the connection's timeout as its deadline, and until then goes on
// through restarts of the server, broken connections and evictions.
class Connection final : public RemoteStore {
 public:
  // Throws UnavailableError, which says why, when nobody answers in time, or at once when waiting
  // cannot mend it; ValueError for what is no address or worker id.
  Connection(const std::string& target, const ConnectOptions& options);

  const std::string& worker_id() const override { return session_.worker_id(); }
  SharingMode sharing() const override { return session_.sharing(); }
  std::vector<Resolved> Resolve(const std::vector<Definition>& definitions) override;
  PullResult Pull(const std::vector<std::string>& names) override;
  PullResult PullWhole(const std::vector<std::string>& names) override;
  PullResult PullRows(const std::vector<std::string>& names,
                      const std::vector<Tensor>& rows) override;
  PushAnswer Push(const PushRequest& push) override;
  PushedAndPulled PushAndPull(const PushRequest& push,
                              const std::vector<std::string>& names) override;
  Groups groups() const override { return session_.groups(); }
  std::vector<ListedVariable> List(const std::string& prefix) override;
  void Barrier(const std::string& name, uint32_t parties,
               std::chrono::milliseconds timeout) override;

 private:
  Clock::time_point Deadline() const { return Clock::now() + timeout_; }
  // Whatever has been prefetched.
  PullResult PullNow(const PullSpec& spec);
  // A push that is done, and the pull of these names, if there are any, whose values may still
  // come.
  std::unique_ptr<StreamRequest> PushNow(const PushRequest& push,
                                         const std::vector<std::string>& names);
  // Its values come meanwhile.
  PushAnswer PushAndPrefetch(const PushRequest& push,
                             const std::shared_ptr<const Prefetch::Names>& names);
  // Throws what the last attempt of a request ended with.
  void Run(const char* call, Clock::time_point deadline, const WorkerSession::Attempt& attempt);
  // What a push must not be under way together with.
  PushOrder::Lanes LanesOf(const PushRequest& push) const;

  const std::chrono::milliseconds timeout_;
  ServerClient server_;
  WorkerSession session_;
  std::atomic<uint64_t> resolves_{0};
  PushOrder order_;
  Compression compression_;  // its pushes' half is for who has its lane
  Prefetch prefetch_;        // the last: what is on its way uses all of the above
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_CONNECTION_H_
