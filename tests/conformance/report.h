// What a conformance run found: how many cases pass, and a difference for each that does not.
#ifndef VARSCOPE_TESTS_CONFORMANCE_REPORT_H_
#define VARSCOPE_TESTS_CONFORMANCE_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace varscope::conformance {

// Recordings keep the order of their keys.
using Json = nlohmann::ordered_json;

struct Report {
  int passed = 0;
  int total = 0;
  std::vector<std::string> differences;

  // A case passes when nothing differs.
  void Count(const std::string& id, const std::vector<std::string>& differing) {
    ++total;
    if (differing.empty()) ++passed;
    for (const std::string& text : differing) {
      differences.push_back(id);
      differences.back().append(": ").append(text);
    }
  }
};

Report RunScopes(const Json& recording);
Report RunOps(const Json& recording);
Report RunOptimizers(const Json& recording);
Report RunDifferential(const Json& recording);

}  // namespace varscope::conformance

#endif  // VARSCOPE_TESTS_CONFORMANCE_REPORT_H_
