// A worker's place at the server: its incarnation, its lease, and coming back after an eviction.
#ifndef VARSCOPE_CLIENT_RPC_MEMBERSHIP_H_
#define VARSCOPE_CLIENT_RPC_MEMBERSHIP_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "client/graph/remote_store.h"
#include "client/rpc/retry.h"
#include "proto/concurrency/mutex.h"
#include "proto/wire/session.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::internal {

// What the server knows the worker by, until it connects again.
struct WorkerSession {
  uint64_t incarnation = 0;
  std::string key;  // goes with each call and stream

  void AddTo(grpc::ClientContext& context) const {
    context.AddMetadata(wire::kSessionMetadata, key);
  }
};

// Thread-safe. A thread of its own sends heartbeats, three in each lease.
class Membership {
 public:
  // Called, on any thread, with the endpoint that the server advertises to processes of its host.
  using OnAdvertised = std::function<void(const v1::LocalAddress& address)>;
  // Connects; throws as Connection's constructor. `channel` and `stub` must outlive it.
  Membership(grpc::Channel& channel, v1::ParameterServer::Stub& stub, std::string target,
             v1::ConnectRequest request, std::chrono::milliseconds timeout,
             OnAdvertised on_advertised);
  // Deregisters, so that nobody waits for this worker.
  ~Membership();
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  // As WithRetries. When the server says that the incarnation is over (this worker was silent for
  // too long, the store was rolled back), connects again; then `attempt` runs again under the new
  // session if the server says that it may, else the status tells what happened, and the next
  // call is well.
  using Attempt = std::function<Outcome(const WorkerSession& session)>;
  grpc::Status Run(Clock::time_point deadline, const Attempt& attempt);

  // The same for a call, each attempt with a fresh context that has the deadline and the session.
  using UnaryAttempt = std::function<grpc::Status(grpc::ClientContext&)>;
  grpc::Status Call(Clock::time_point deadline, const UnaryAttempt& attempt);

  // As they were at the last connect.
  using Groups = std::shared_ptr<const std::vector<SyncGroup>>;
  Groups groups() const {
    MutexLock lock(mutex_);
    return groups_;
  }
  uint64_t groups_version() const {
    MutexLock lock(mutex_);
    return groups_version_;
  }
  // What the server reads and writes, at the first connect.
  const google::protobuf::RepeatedField<int>& encodings() const { return encodings_; }

 private:
  // Throws when nobody answers in time, or waiting cannot mend why; logs why it waits.
  void RegisterFirst();
  // `inspect` sees what each attempt ended with.
  grpc::Status Register(const std::function<void(Outcome&)>& inspect);
  // Unless another thread has done so since `over` was the incarnation.
  grpc::Status RegisterAgain(uint64_t over, Reconnect how);
  // Whether a call was refused because another thread has mended the eviction of its incarnation,
  // or is about to.
  bool WasEvicted(uint64_t incarnation, const grpc::Status& status) const;
  WorkerSession session() const;
  void SendHeartbeats(std::chrono::milliseconds lease);
  void Deregister();

  grpc::Channel& channel_;
  v1::ParameterServer::Stub& stub_;
  const std::string target_;
  const v1::ConnectRequest request_;
  const std::chrono::milliseconds timeout_;
  const OnAdvertised on_advertised_;
  google::protobuf::RepeatedField<int> encodings_;

  Mutex registering_;  // one at a time
  mutable Mutex mutex_ ABSL_ACQUIRED_AFTER(registering_);
  WorkerSession session_ ABSL_GUARDED_BY(mutex_);
  std::set<uint64_t> evicted_ ABSL_GUARDED_BY(mutex_);  // incarnations that ended so
  Groups groups_ ABSL_GUARDED_BY(mutex_);
  uint64_t groups_version_ ABSL_GUARDED_BY(mutex_) = 0;
  std::chrono::milliseconds lease_ ABSL_GUARDED_BY(mutex_){0};
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* heartbeat_ ABSL_GUARDED_BY(mutex_) = nullptr;  // the one under way
  CondVar stop_;
  std::thread heartbeats_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_MEMBERSHIP_H_
