// What the service's calls work with.
#ifndef VARSCOPE_SERVER_RPC_CONTEXT_H_
#define VARSCOPE_SERVER_RPC_CONTEXT_H_

#include <cstdint>
#include <string>

#include "server/auth/session_keys.h"
#include "server/membership/barrier.h"
#include "server/membership/workers.h"
#include "server/rpc/definition_lanes.h"
#include "server/rpc/in_flight_calls.h"
#include "server/rpc/memory_quota.h"
#include "server/rpc/pinned_memory.h"
#include "server/rpc/stall_detector.h"
#include "server/rpc/stream_places.h"
#include "server/store/store.h"
#include "server/sync/durability.h"
#include "server/sync/synchronizer.h"

namespace varscope::server {

struct ServiceLimits {
  uint64_t max_push_bytes = uint64_t{16} << 30;
  int max_definitions = 100000;  // in one Resolve; fits 20 bits, see ResolveOne
  // What gRPC may hold of messages that have not come whole, or have not been read; 0: as it likes.
  uint64_t buffered_bytes = 0;
};

// How workers on this host may reach the server; empty: they cannot.
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
  InFlightCalls& in_flight_calls;
  DefinitionLanes& definition_lanes;
  StreamPlaces& stream_places;
  MemoryQuota& memory_quota;    // of pushes
  PinnedMemory& pinned_memory;  // of pulls
  StallDetector& stall_detector;
  ServiceLimits limits;
  LocalAddress local;
  uint64_t first_epoch;  // another one after each start of the server

  // In which versions were told: the same version of another epoch may be another value, because a
  // rollback, as a start, may take versions back. Thread-safe.
  uint64_t epoch() const { return first_epoch + store.catalog.generation(); }
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_CONTEXT_H_
