// How the variables of one group are synchronized: the configuration of a group.
#ifndef VARSCOPE_SERVER_SYNC_GROUP_OPTIONS_H_
#define VARSCOPE_SERVER_SYNC_GROUP_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace varscope::server {

enum class SyncMode : uint8_t { kAsync = 0, kBsp = 1, kSsp = 2, kLocal = 3 };

// How the gradients of one bsp step become one.
enum class Aggregation : uint8_t {
  kMean,
  kMedian,       // of each element; Yin et al. 2018, arXiv:1803.01498
  kTrimmedMean,  // of each element without the f largest and smallest; the same
  kKrum,         // the one closest to its neighbours; Blanchard et al. 2017, arXiv:1703.02757
};

// Whether some pushes of a step may be anything.
constexpr bool IsRobust(Aggregation aggregation) { return aggregation != Aggregation::kMean; }
// The fewest pushes that a step needs when `byzantine` of them may be anything.
constexpr uint64_t LeastPushes(Aggregation aggregation, uint64_t byzantine) {
  if (!IsRobust(aggregation)) return 1;
  return 2 * byzantine + (aggregation == Aggregation::kKrum ? 3 : 1);
}

enum class NonfinitePolicy : uint8_t {
  kPerPush,  // as the push's own setting says: refused unless it allows them
  kRefuse,
  kSkip,
};

struct GroupOptions {
  // Of the variables' names (proto/naming/names.h: FindGroupOf), not ending in a slash; empty:
  // every variable that no other group has.
  std::string prefix;
  std::string spec = "async";
  SyncMode mode = SyncMode::kAsync;

  // async: a push whose gradients are more than so many updates behind, at most 2^62, is dropped;
  // or every push is scaled by 1 / staleness (Zhang et al. 2015, arXiv:1511.05950).
  std::optional<uint64_t> max_staleness;
  bool scale_stale = false;

  // bsp, local: a step is complete when all its workers have pushed, but for `backup` of them
  // (Chen et al. 2016, arXiv:1604.00981). The first step waits for `workers`. After `deadline` it
  // is complete with at least `quorum`, or fails; of a robust aggregation that is never less than
  // LeastPushes.
  uint32_t workers = 1;
  uint32_t backup = 0;
  uint32_t quorum = 1;
  // ssp: how long a read waits for the slowest.
  std::chrono::milliseconds deadline{30000};
  Aggregation aggregation = Aggregation::kMean;
  // Of a robust aggregation whose `workers` were given: no more than those take part at a time.
  bool closed = false;
  // The papers' f: how many workers may push anything. Of kMedian all but half of the pushes that a
  // step has at least.
  uint32_t byzantine = 0;

  // ssp: how many steps the fastest may be ahead of the slowest; Ho et al. 2013.
  uint32_t bound = 0;

  // local: DiLoCo, arXiv:2311.08105. A fragment of the variables is synchronized every
  // local_steps / fragments steps (Streaming DiLoCo, arXiv:2501.18512).
  uint32_t local_steps = 1;
  uint32_t fragments = 1;
  double outer_learning_rate = 0.7;
  double outer_momentum = 0.9;

  // Policy for gradients.
  NonfinitePolicy nonfinite = NonfinitePolicy::kPerPush;
  double clip_norm = 0;           // of each push, all its steps together; 0: none
  uint32_t quarantine_after = 0;  // a worker's pushes with a NaN or an infinity; 0: never
};

// "[PREFIX=]MODE[:KEY=VALUE,...]", where PREFIX may end in slashes, such as "async",
// "model/dense=bsp:workers=4,backup=1", "ssp:bound=3", "local:steps=50,workers=2,nonfinite=skip".
// InvalidArgument says what is wrong and what may be there.
absl::StatusOr<GroupOptions> ParseGroup(const std::string& text);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_GROUP_OPTIONS_H_
