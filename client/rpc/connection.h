// A worker's connection to one server, over gRPC.
#ifndef VARSCOPE_CLIENT_RPC_CONNECTION_H_
#define VARSCOPE_CLIENT_RPC_CONNECTION_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/graph/remote_store.h"
#include "client/rpc/compression.h"
#include "client/rpc/membership.h"
#include "client/rpc/prefetch.h"
#include "client/rpc/pull_cache.h"
#include "client/rpc/push_order.h"
#include "client/rpc/stream_pool.h"
#include "client/rpc/transport.h"
#include "varscope/v1/admin.grpc.pb.h"
#include "varscope/v1/tensor_stream.pb.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::internal {

// Thread-safe. Every call has the connection's timeout as its deadline, and until then goes on
// through restarts of the server, broken connections and evictions.
class Connection final : public RemoteStore {
 public:
  // Throws UnavailableError, which says why, when nobody answers in time, or at once when waiting
  // cannot mend it; ValueError for what is no address or worker id.
  Connection(const std::string& target, const ConnectOptions& options);

  const std::string& worker_id() const override { return worker_id_; }
  SharingMode sharing() const override { return sharing_; }
  std::vector<Resolved> Resolve(const std::vector<Definition>& definitions) override;
  PullResult Pull(const std::vector<std::string>& names) override;
  PullResult PullWhole(const std::vector<std::string>& names) override;
  PullResult PullRows(const std::vector<std::string>& names,
                      const std::vector<Tensor>& rows) override;
  PushAnswer Push(const PushRequest& request) override;
  PushedAndPulled PushAndPull(const PushRequest& request,
                              const std::vector<std::string>& names) override;
  Groups groups() const override { return membership_->groups(); }
  std::vector<ListedVariable> List(const std::string& prefix) override;
  void Barrier(const std::string& name, uint32_t parties,
               std::chrono::milliseconds timeout) override;

 private:
  void Fill(Creator* creator) const;
  Clock::time_point Deadline() const { return Clock::now() + timeout_; }

  using Names = std::vector<std::string>;
  using Values = PullResult;
  // What a request pulls.
  struct Wanted {
    const Names& names;
    // Unless empty, as PullRows has them.
    std::span<const Tensor> rows = {};
    // Values may be as the connection's compression has them, and are then kept.
    bool rounded = true;

    bool whole(size_t i) const { return rows.empty() || !rows[i].defined(); }
  };
  // A request whose answer's head has come, and what became of its push.
  struct UnderWay {
    StreamPool::PooledStream pooled;
    std::optional<wire::FrameReader> answer;
    std::vector<PullWish> wishes;
    PullCache::Known known;
    bool repeats = false;  // the stream's last pull

    // Whether the worker has the i-th wanted value already, so that it does not come.
    bool Holds(size_t i, const v1::FrameHeader& head) const {
      return !wishes[i].rows && known.values[i] && known.values[i]->version == head.versions(i) &&
             (repeats || known.epoch.server == head.epoch());
    }
    std::optional<PushAnswer> pushed;
  };
  // With the whole answer, or at least its head.
  enum class Until { kHead, kEnd };
  UnderWay Begin(const PushRequest* push, const Wanted* wanted, Until until);
  // What it pulled; nothing when the push is done, but the pull failed. Requires the whole answer.
  std::optional<Values> End(UnderWay under_way, const Wanted* wanted);
  // The rest of a push's answer; nothing when it cannot be had.
  std::optional<Values> Finish(UnderWay under_way, const Names& names);
  Values PullWanted(const Wanted& wanted);
  bool Caches(const Wanted& wanted) const { return cache_pulls_ && wanted.rounded; }
  // The pull of a request, which goes into `head`.
  void AskFor(const Wanted& wanted, UnderWay& under_way, v1::FrameHeader& head) const;
  // Which tensors come with the answer's head.
  absl::StatusOr<std::vector<wire::IncomingTensor>> Expect(const Wanted* wanted,
                                                           UnderWay& under_way,
                                                           const v1::FrameHeader& head) const;
  // Its values, which the next requests know.
  Values TakeValues(const Wanted& wanted, UnderWay& under_way);
  static Values Merge(UnderWay& under_way);
  // What a push must not be under way together with.
  PushOrder::Lanes LanesOf(const PushRequest& push) const;
  std::string WaitedForOthers() const;

  const std::string target_;
  const std::string worker_id_;
  const SharingMode sharing_;
  const std::chrono::milliseconds timeout_;
  const bool cache_pulls_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::ParameterServer::Stub> stub_;
  const std::unique_ptr<v1::Admin::Stub> admin_;
  std::string host_;
  Transport transport_;
  StreamPool streams_;
  std::unique_ptr<Membership> membership_;
  std::atomic<uint64_t> resolves_{0};
  PullCache cache_;

  PushOrder order_;
  std::optional<Compression> compression_;  // its pushes' half is for who has its lane

  Prefetch prefetch_;  // the last: what is on its way uses all of the above
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_CONNECTION_H_
