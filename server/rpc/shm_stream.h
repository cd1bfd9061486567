// A worker's stream of requests through shared memory.
#ifndef VARSCOPE_SERVER_RPC_SHM_STREAM_H_
#define VARSCOPE_SERVER_RPC_SHM_STREAM_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/shm/link.h"
#include "server/auth/caller.h"
#include "server/rpc/context.h"
#include "server/rpc/request_loop.h"

namespace varscope::server {

// Does what its RequestLoop says, on the calling thread.
class ShmStream {
 public:
  ShmStream(const ServiceContext& service, shm::Link link)
      : service_(service), link_(std::move(link)) {}

  // Serves one request after the other until the worker goes, a request fails, or somebody hangs
  // up.
  void Serve();
  // Any thread.
  void HangUp() { link_.HangUp(); }

 private:
  absl::StatusOr<Caller> Identify();
  // Returns why the stream ends.
  absl::Status Serve(Caller caller);
  RequestLoop::Next Read(RequestLoop& loop);
  void SendEnd(const absl::Status& status);

  const ServiceContext& service_;
  shm::Link link_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_SHM_STREAM_H_
