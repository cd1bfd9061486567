#include "server/catalog/first_value_queue.h"

namespace varscope::server {

FirstValueQueue::Jobs FirstValueQueue::TakeNext() noexcept {
  Jobs next;
  if (jobs_.empty()) return next;
  const VariablePtr first = jobs_.front().variable;
  auto cheapest = jobs_.begin();
  Jobs own;  // who has had his turn comes after all others
  for (auto it = jobs_.begin(); it != jobs_.end();) {
    const auto job = it++;
    if (job->variable->def.creator.worker_id != first->def.creator.worker_id) continue;
    own.splice(own.end(), jobs_, job);
    if (job->cost < cheapest->cost) cheapest = job;
  }
  next.splice(next.end(), own, cheapest);
  jobs_.splice(jobs_.end(), own);
  return next;
}

}  // namespace varscope::server
