// Where the random ops of a session are in their streams.
#ifndef VARSCOPE_CLIENT_SESSION_RANDOM_STREAMS_H_
#define VARSCOPE_CLIENT_SESSION_RANDOM_STREAMS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>

#include "client/graph/node.h"
#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// How many blocks of its stream a run of the op sets aside, whose outputs are these; nothing for an
// op that has no stream (kernels/philox.h).
std::optional<uint64_t> BlocksOf(const Node& node, std::span<const OutputSpec> outputs);

// Of one session, whose graph lives as long. Thread-safe.
class RandomStreams {
 public:
  // Returns how many blocks the op's earlier runs have set aside, and sets these aside, too.
  uint64_t Take(const Node& node, uint64_t blocks);

 private:
  Mutex mutex_;
  std::unordered_map<const Node*, uint64_t> taken_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_RANDOM_STREAMS_H_
