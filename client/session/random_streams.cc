#include "client/session/random_streams.h"

#include "absl/strings/match.h"
#include "client/kernels/philox.h"

namespace varscope::internal {

std::optional<uint64_t> BlocksOf(const Node& node, std::span<const OutputSpec> outputs) {
  const absl::string_view op = node.def->name;
  if (absl::StartsWith(op, "Philox")) {
    return static_cast<uint64_t>(outputs[0].shape.num_elements()) * kBlocksOfAnElement;
  }
  if (op == "RandomShuffle") {
    return BlocksOfShuffle(outputs[0].shape.rank() == 0 ? 1 : outputs[0].shape.dim(0));
  }
  if (op != "Multinomial") return std::nullopt;
  const auto samples = static_cast<uint64_t>(outputs[0].shape.dim(1) + 3) / 4 * 4;
  return static_cast<uint64_t>(outputs[0].shape.dim(0)) * samples * 2 * kBlocksOfAnElement;
}

uint64_t RandomStreams::Take(const Node& node, uint64_t blocks) {
  MutexLock lock(mutex_);
  uint64_t& taken = taken_[&node];
  const uint64_t before = taken;
  taken += blocks;
  return before;
}

}  // namespace varscope::internal
