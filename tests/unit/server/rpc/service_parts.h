// All that a request needs of a server, in memory only.
#ifndef VARSCOPE_TESTS_UNIT_SERVER_RPC_SERVICE_PARTS_H_
#define VARSCOPE_TESTS_UNIT_SERVER_RPC_SERVICE_PARTS_H_

#include <chrono>
#include <string>
#include <vector>

#include "server/rpc/context.h"

namespace varscope::server {

struct ServiceParts {
  // Which outlives it; null: none.
  explicit ServiceParts(Durability* durability = nullptr)
      : durability(durability != nullptr ? *durability : none) {}
  explicit ServiceParts(const std::vector<GroupOptions>& groups)
      : synchronizer(store, workers, groups), durability(none) {}

  Store store{StoreLimits{}};
  Workers workers;
  SessionKeys session_keys;
  Barriers barriers;
  Synchronizer synchronizer{store, workers, {}};
  NoDurability none;
  Durability& durability;
  InFlightCalls in_flight_calls;
  DefinitionLanes definition_lanes;
  StreamPlaces stream_places;
  MemoryQuota memory_quota{uint64_t{64} << 20};
  PinnedMemory pinned_memory{uint64_t{64} << 20};
  StallDetector stall_detector{std::chrono::milliseconds(0)};
  const ServiceContext context = With(durability);

  // The same with another log.
  ServiceContext With(Durability& kept) {
    return {.store = store,
            .workers = workers,
            .session_keys = session_keys,
            .barriers = barriers,
            .synchronizer = synchronizer,
            .durability = kept,
            .in_flight_calls = in_flight_calls,
            .definition_lanes = definition_lanes,
            .stream_places = stream_places,
            .memory_quota = memory_quota,
            .pinned_memory = pinned_memory,
            .stall_detector = stall_detector,
            .limits = {},
            .local = {},
            .first_epoch = 99};
  }
  Caller Connect(const std::string& worker) {
    return {worker, workers.Connect(worker, "host", 1, Sharing::kGlobal).value()};
  }
  // float32, zeros.
  absl::Status Create(const Caller& caller, const std::string& name, const Shape& shape) {
    ResolveRequest request;
    request.name = name;
    request.request = {.key = name, .dtype = DType::kFloat32, .shape = shape};
    request.initializer = InitializerSpec{.kind = "zeros"};
    return store.catalog.Resolve(caller, request).status();
  }
};

}  // namespace varscope::server

#endif  // VARSCOPE_TESTS_UNIT_SERVER_RPC_SERVICE_PARTS_H_
