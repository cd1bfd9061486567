// The whole store as a value: one consistent snapshot of variables, slots, global step and
// completion records.
#ifndef VARSCOPE_SERVER_STORE_STATE_H_
#define VARSCOPE_SERVER_STORE_STATE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "server/catalog/creation.h"
#include "server/store/completion_records.h"
#include "server/store/variable.h"

namespace varscope::server {

struct CapturedVariable {
  VariableDefinition definition;
  Tensor value;  // pinned
  uint64_t version = 0;
  bool initialized = false;
  uint64_t pulls = 0;
  uint64_t pushes = 0;
  uint64_t bytes_pulled = 0;
  uint64_t bytes_pushed = 0;
};

struct StoreState {
  uint64_t global_step = 0;
  std::map<std::string, uint64_t> group_steps;
  std::vector<CapturedVariable> variables;  // in creation order
  std::vector<PartitionedNames> partitioned;
  std::vector<StateNames> slots;
  std::vector<StateNames> non_slots;
  std::vector<CompletionRecords::Entry> completion_records;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_STATE_H_
