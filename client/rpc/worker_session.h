// A worker's session with one server: who it is, its incarnation, its lease, and coming back after
// an eviction.
#ifndef VARSCOPE_CLIENT_RPC_WORKER_SESSION_H_
#define VARSCOPE_CLIENT_RPC_WORKER_SESSION_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "client/graph/remote_store.h"
#include "client/rpc/retry.h"
#include "client/rpc/server_client.h"
#include "client/rpc/worker_id.h"
#include "proto/concurrency/mutex.h"
#include "varscope/connect_options.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::internal {

// Thread-safe. A thread of its own sends heartbeats, three in each lease. One that is not answered
// before the next is due tells that its connection, or the server, is silent: the calls that are
// under way over it end and are sent again over a new one, all before the lease is over.
class WorkerSession {
 public:
  // Connects; throws as Connection's constructor. `server` outlives it, and is told what the server
  // advertises.
  WorkerSession(ServerClient& server, const ConnectOptions& options);
  // Deregisters, so that nobody waits for this worker.
  ~WorkerSession();
  WorkerSession(const WorkerSession&) = delete;
  WorkerSession& operator=(const WorkerSession&) = delete;

  const std::string& worker_id() const { return id_.text(); }
  SharingMode sharing() const { return sharing_; }
  // Says that this worker is the creator, or its process.
  void Sign(Creator& creator) const;

  // As WithRetries, each attempt over a connection that has not failed. When the server says that
  // the incarnation is over (this worker was silent for too long, the store was rolled back),
  // connects again; then `attempt` runs again under the new one if the server says that it may,
  // else the status tells what happened, and the next call is well. Where the server has another
  // store than the one that the worker knew, the first call ends with Aborted.
  using Attempt = std::function<Outcome(const Incarnation& incarnation)>;
  grpc::Status Run(Clock::time_point deadline, const Attempt& attempt);

  // The same for the call of that name, each attempt with a fresh context that has the deadline and
  // the session key. Throws what the last attempt ended with.
  using UnaryAttempt =
      std::function<grpc::Status(const ServerChannel& channel, grpc::ClientContext&)>;
  void Call(const char* call, Clock::time_point deadline, const UnaryAttempt& attempt);

  // As RemoteStore::losses.
  uint64_t losses() const {
    MutexLock lock(mutex_);
    return losses_;
  }
  // As they were at the last connect.
  RemoteStore::Groups groups() const {
    MutexLock lock(mutex_);
    return groups_;
  }
  // The server's number for this worker at the first connect: higher than that of every worker that
  // had this id before.
  uint64_t first_incarnation() const { return first_incarnation_; }
  // What the server reads and writes, at the first connect.
  const google::protobuf::RepeatedField<int>& encodings() const { return encodings_; }

 private:
  // Throws when nobody answers in time, or waiting cannot mend why; logs why it waits.
  void RegisterFirst();
  // `inspect` sees what each attempt ended with.
  grpc::Status Register(const std::function<void(Outcome&)>& inspect);
  // Unless another thread has done so since `over` was the incarnation.
  grpc::Status RegisterAgain(uint64_t over, Reconnect how);
  // As WithRetries: a connection that fails is replaced.
  Outcome RunOnFreshChannels(Clock::time_point deadline, const std::function<Outcome()>& attempt);
  // An attempt of one call over the present channel.
  Outcome TryOnce(Clock::time_point deadline, const std::string& session_key,
                  const UnaryAttempt& attempt);
  // Whether it was answered.
  bool SendHeartbeat(Clock::time_point deadline, grpc::ClientContext& context,
                     uint64_t incarnation);
  // What to tell the program when it does not know yet that the store is another one.
  grpc::Status MovedSince(uint64_t store);
  grpc::Status Moved() const;
  uint64_t store() const;
  // Whether a call was refused because another thread has mended the eviction of its incarnation,
  // or is about to.
  bool WasEvicted(uint64_t incarnation, const grpc::Status& status) const;
  Incarnation incarnation() const;
  void SendHeartbeats(std::chrono::milliseconds lease);
  void Deregister();

  ServerClient& server_;
  const SharingMode sharing_;
  const std::chrono::milliseconds timeout_;
  const WorkerId id_;
  const v1::ConnectRequest request_;  // but for its nonce
  uint64_t first_incarnation_ = 0;
  google::protobuf::RepeatedField<int> encodings_;

  Mutex registering_;  // one at a time
  mutable Mutex mutex_ ABSL_ACQUIRED_AFTER(registering_);
  Incarnation incarnation_ ABSL_GUARDED_BY(mutex_);
  uint64_t store_ ABSL_GUARDED_BY(mutex_) = 0;          // where it is connected
  bool moved_ ABSL_GUARDED_BY(mutex_) = false;          // there, and no call has told the program
  std::set<uint64_t> evicted_ ABSL_GUARDED_BY(mutex_);  // incarnations that ended so
  uint64_t losses_ ABSL_GUARDED_BY(mutex_) = 0;
  RemoteStore::Groups groups_ ABSL_GUARDED_BY(mutex_);
  std::chrono::milliseconds lease_ ABSL_GUARDED_BY(mutex_){0};
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* heartbeat_ ABSL_GUARDED_BY(mutex_) = nullptr;  // the one under way
  CondVar stop_;
  std::thread heartbeats_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_WORKER_SESSION_H_
