// What the operator of a server asks.
#ifndef VARSCOPE_TESTS_SUPPORT_OPERATOR_H_
#define VARSCOPE_TESTS_SUPPORT_OPERATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "varscope/v1/admin.grpc.pb.h"

namespace varscope::testing {

// Throws std::runtime_error when the server does not answer as it should.
class Operator {
 public:
  explicit Operator(const std::string& target);
  // Nothing for an id that never connected.
  std::optional<v1::WorkerInfo::State> StateOf(const std::string& worker);
  // 0 for an id that never connected.
  uint64_t IncarnationOf(const std::string& worker);
  // What the worker waits for at barriers.
  std::vector<std::string> WaitsOf(const std::string& worker);
  // Until the worker is evicted. False when it left on its own; throws after 30 s.
  bool WaitUntilLost(const std::string& worker);
  v1::VariableInfo Describe(const std::string& variable);
  // The first of the groups.
  v1::GroupInfo Group();
  // Connects a worker that will never be heard of again. Returns its incarnation.
  uint64_t Connect(const std::string& worker);
  // Returns the file.
  std::string Snapshot();

 private:
  v1::ListWorkersResponse Workers();

  const std::string target_;
  const std::unique_ptr<v1::Admin::Stub> stub_;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_OPERATOR_H_
