// Which first value is computed next.
#ifndef VARSCOPE_SERVER_CATALOG_FIRST_VALUE_QUEUE_H_
#define VARSCOPE_SERVER_CATALOG_FIRST_VALUE_QUEUE_H_

#include <cstdint>
#include <list>
#include <utility>

#include "server/store/variable.h"
#include "varscope/tensor.h"

namespace varscope::server {

// The creators of variables take turns, so that nobody waits for all that another one has asked
// for; of one creator's the cheapest comes first, of equal ones the oldest. Takes no memory: what
// comes and goes brings its own. Not thread-safe.
class FirstValueQueue {
 public:
  // A first value that is to be computed, into this memory; undefined: none was taken for it.
  struct Job {
    VariablePtr variable;
    Tensor value;
    uint64_t cost = 0;  // CostOf (initializers.h)
  };
  using Jobs = std::list<Job>;

  // Takes all out of `jobs`.
  void Add(Jobs& jobs) noexcept { jobs_.splice(jobs_.end(), jobs); }
  // One; none when there is none.
  Jobs TakeNext() noexcept;
  // All.
  Jobs TakeAll() noexcept { return std::exchange(jobs_, {}); }

 private:
  Jobs jobs_;  // the creator of the first has its turn
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_FIRST_VALUE_QUEUE_H_
