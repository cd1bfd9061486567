// Where definitions of variables take turns.
#ifndef VARSCOPE_SERVER_RPC_DEFINITION_LANES_H_
#define VARSCOPE_SERVER_RPC_DEFINITION_LANES_H_

#include <array>
#include <cstddef>
#include <string>

#include "absl/hash/hash.h"
#include "server/rpc/work_serializer.h"

namespace varscope::server {

// Each holds one thread at most, however many define much at the same time: the others are for
// other calls. Thread-safe.
class DefinitionLanes {
 public:
  // The lane of all that the worker defines, and of what some others do.
  WorkSerializer& Of(const std::string& worker_id) {
    return lanes_[absl::HashOf(worker_id) % lanes_.size()];
  }
  // As WorkSerializer::Stop.
  void Stop() {
    for (WorkSerializer& lane : lanes_) lane.Stop();
  }

 private:
  std::array<WorkSerializer, 8> lanes_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_DEFINITION_LANES_H_
