// What the service's calls work with.
#ifndef VARSCOPE_SERVER_RPC_CONTEXT_H_
#define VARSCOPE_SERVER_RPC_CONTEXT_H_

#include <cstdint>
#include <string>

#include "server/auth/session_keys.h"
#include "server/rpc/budget.h"
#include "server/rpc/calls.h"
#include "server/rpc/pins.h"
#include "server/rpc/stalls.h"
#include "server/store/store.h"
#include "server/sync/barrier.h"
#include "server/sync/durability.h"
#include "server/sync/synchronizer.h"
#include "server/sync/workers.h"

namespace varscope::server {

struct ServiceLimits {
  uint64_t max_push_bytes = uint64_t{16} << 30;
  int max_definitions = 100000;  // in one Resolve; fits 20 bits, see ResolveAll
};

// How workers on this host may reach the daemon; empty: they cannot.
struct LocalAddress {
  std::string shared_memory;  // where ShmListener listens
  std::string target;         // for gRPC
};

// Everything outlives the service.
struct ServiceContext {
  Store& store;
  Workers& workers;
  const SessionKeys& session_keys;
  Barriers& barriers;
  Synchronizer& synchronizer;
  Durability& durability;
  Calls& calls;
  Budget& budget;  // of pushes
  Pins& pins;      // of pulls
  Stalls& stalls;
  ServiceLimits limits;
  LocalAddress local;
  uint64_t epoch;  // another one in each life of the daemon
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_CONTEXT_H_
