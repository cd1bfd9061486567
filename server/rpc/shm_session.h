// The stream of turns through shared memory.
#ifndef VARSCOPE_SERVER_RPC_SHM_SESSION_H_
#define VARSCOPE_SERVER_RPC_SHM_SESSION_H_

#include "absl/status/status.h"
#include "proto/shm/link.h"
#include "server/auth/caller.h"
#include "server/rpc/context.h"
#include "server/rpc/wanted_pull.h"

namespace varscope::server {

// As Exchange does for a gRPC stream, on the calling thread.
class ShmSession {
 public:
  ShmSession(const ServiceContext& service, shm::Link link)
      : service_(service), link_(std::move(link)) {}

  // Serves turn after turn until the worker goes, a turn fails, or somebody hangs up.
  void Serve();
  // Any thread.
  void HangUp() { link_.HangUp(); }

 private:
  // An error ends the stream.
  absl::Status Identify();
  absl::Status ServeTurn();
  void SendEnd(const absl::Status& status);

  const ServiceContext& service_;
  shm::Link link_;
  Caller caller_;
  StreamState state_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_SHM_SESSION_H_
