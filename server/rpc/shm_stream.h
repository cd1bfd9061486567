// A worker's stream of requests through shared memory.
#ifndef VARSCOPE_SERVER_RPC_SHM_STREAM_H_
#define VARSCOPE_SERVER_RPC_SHM_STREAM_H_

#include "absl/status/status.h"
#include "proto/shm/link.h"
#include "server/auth/caller.h"
#include "server/rpc/context.h"
#include "server/rpc/resolved_pull.h"

namespace varscope::server {

// As GrpcStream, on the calling thread.
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
  // An error ends the stream.
  absl::Status Identify();
  absl::Status ServeRequest();
  void SendEnd(const absl::Status& status);

  const ServiceContext& service_;
  shm::Link link_;
  Caller caller_;
  StreamState state_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_SHM_STREAM_H_
