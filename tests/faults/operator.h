// What the operator of a daemon asks.
#ifndef VARSCOPE_TESTS_FAULTS_OPERATOR_H_
#define VARSCOPE_TESTS_FAULTS_OPERATOR_H_

#include <memory>
#include <string>

#include "varscope/v1/varscope.grpc.pb.h"

namespace varscope::testing {

class Operator {
 public:
  explicit Operator(const std::string& target);
  // False when the worker left on its own. Throws Broken after 30 s.
  bool WaitUntilGone(const std::string& worker);
  // Returns the file.
  std::string Snapshot();

 private:
  std::unique_ptr<v1::ParameterServer::Stub> stub_;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_FAULTS_OPERATOR_H_
