// What a worker has defined, for a store that has lost it.
#ifndef VARSCOPE_CLIENT_RPC_DEFINITIONS_H_
#define VARSCOPE_CLIENT_RPC_DEFINITIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "client/graph/remote_store.h"
#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// One definition that a store took, and what it became.
struct Defined {
  // Sent again it makes the same variables where they are not there, and shares them where they
  // are.
  Definition definition;
  std::vector<std::string> variables;  // their names: one, or those of the parts
};

// Thread-safe. Takes about the memory of the definitions; initial values are shared with them.
class Definitions {
 public:
  // `resolved` is what the store made of each of `definitions`. What only looked a variable up, and
  // what the store did not take, is left out: others make that.
  void Add(const std::vector<Definition>& definitions, const std::vector<Resolved>& resolved);

  // What to send to a store that has the variables `present`, in the order in which it was added:
  // what some variables of are missing there, and what is shared, so that the store compares it
  // with what is there.
  std::vector<Defined> ForStoreWith(const absl::flat_hash_set<std::string>& present) const;

 private:
  mutable Mutex mutex_;
  std::vector<Defined> all_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> names_ ABSL_GUARDED_BY(mutex_);  // the first of each
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_DEFINITIONS_H_
