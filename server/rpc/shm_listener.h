// Hands shared memory to workers on the server's host.
#ifndef VARSCOPE_SERVER_RPC_SHM_LISTENER_H_
#define VARSCOPE_SERVER_RPC_SHM_LISTENER_H_

#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "proto/shm/doorbell.h"
#include "server/rpc/accept_loop.h"
#include "server/rpc/shm_stream.h"

namespace varscope::server {

// A thread that accepts, and one for each stream: its requests end to end, so that no hand-over
// between threads delays them. Processes of other users are sent away, as are those for whom there
// is no stream, no thread or no memory left: they go on with gRPC.
class ShmListener {
 public:
  // Listens on the abstract socket `name`.
  static absl::StatusOr<std::unique_ptr<ShmListener>> Start(const ServiceContext& service,
                                                            const std::string& name,
                                                            size_t max_streams);
  // Ends all streams; a request that waits is waited for.
  ~ShmListener();
  ShmListener(const ShmListener&) = delete;
  ShmListener& operator=(const ShmListener&) = delete;

 private:
  struct Stream {
    // Guarded by the listener's mutex_, which clang cannot see here.
    std::unique_ptr<ShmStream> session;  // while it serves
    bool over = false;
    std::thread thread;
  };

  ShmListener(const ServiceContext& service, size_t max_streams)
      : service_(service), max_streams_(max_streams) {}
  void Serve(shm::Doorbell doorbell);
  void Run(Stream& stream, shm::Doorbell doorbell) noexcept;
  void ServeToEnd(Stream& stream, shm::Doorbell doorbell);
  void RemoveEnded();

  const ServiceContext& service_;
  const size_t max_streams_;
  Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<Stream> streams_ ABSL_GUARDED_BY(mutex_);  // changed by the accepting thread only
  std::unique_ptr<AcceptLoop> accepting_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_SHM_LISTENER_H_
