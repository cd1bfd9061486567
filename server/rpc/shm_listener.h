// Hands shared memory to workers on the daemon's host.
#ifndef VARSCOPE_SERVER_RPC_SHM_LISTENER_H_
#define VARSCOPE_SERVER_RPC_SHM_LISTENER_H_

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "proto/shm/doorbell.h"
#include "server/rpc/shm_session.h"

namespace varscope::server {

// A thread that accepts, and one for each stream: its turns end to end, so that no hand-over
// between threads delays them. Processes of other users are sent away, as are those for whom there
// is no stream left: they go on with gRPC.
class ShmListener {
 public:
  // Listens on the abstract socket `name`.
  static absl::StatusOr<std::unique_ptr<ShmListener>> Start(const ServiceContext& service,
                                                            const std::string& name,
                                                            size_t max_streams);
  // Ends all streams; a turn that waits is waited for.
  ~ShmListener();
  ShmListener(const ShmListener&) = delete;
  ShmListener& operator=(const ShmListener&) = delete;

 private:
  struct Stream {
    std::unique_ptr<ShmSession> session;  // null when it is over; guarded by mutex_
    std::thread thread;
  };

  ShmListener(const ServiceContext& service, shm::FileDescriptor listening, size_t max_streams);
  void AcceptAll();
  void Serve(shm::Doorbell doorbell);
  void RemoveEnded();
  void PauseBriefly();

  const ServiceContext& service_;
  const size_t max_streams_;
  const shm::FileDescriptor listening_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;      // guarded by mutex_
  std::list<Stream> streams_;  // changed by the accepting thread only, under mutex_
  std::thread accepting_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_SHM_LISTENER_H_
