// The variables that one graph knows, by key and in order of creation.
#ifndef VARSCOPE_CLIENT_GRAPH_VARIABLE_TABLE_H_
#define VARSCOPE_CLIENT_GRAPH_VARIABLE_TABLE_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/graph/variable_state.h"
#include "proto/concurrency/mutex.h"
#include "proto/naming/contract.h"

namespace varscope::internal {

// Thread-safe: a program's threads may save or restore while another one makes variables.
class VariableTable : public Definitions {
 public:
  std::optional<KnownVariable> FindVariable(const std::string& key) const override;
  std::optional<KnownPartitioned> FindPartitioned(const std::string& key) const override;

  // Null when there is none.
  VariableState* Variable(const std::string& key) const;
  VariableState* Partitioned(const std::string& key) const;

  // A variable or a part of one; shared by its key when it has one. The table owns it.
  VariableState* Add(std::unique_ptr<VariableState> variable);
  VariableState* AddPartitioned(std::unique_ptr<VariableState> variable);

  // Variables and parts, in order of creation.
  std::vector<VariableState*> all() const;
  size_t size() const;
  // As the program defined them: variables, and partitioned ones as a whole beside their parts.
  std::vector<VariableState*> defined() const;

 private:
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<VariableState>> owned_ ABSL_GUARDED_BY(mutex_);
  std::vector<VariableState*> all_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, VariableState*> by_key_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, VariableState*> partitioned_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_VARIABLE_TABLE_H_
