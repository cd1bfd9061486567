// Calls of what looks at the bits or the order of elements; the names are those of
// tests/differential/orders.py.
#include "tests/conformance/op_calls.h"
#include "varscope/array_ops.h"
#include "varscope/bitwise.h"

namespace varscope::conformance {
namespace {

using Inputs = std::vector<Output>;

void AddBits(Calls& calls) {
  using Pair = Output (*)(const Input&, const Input&, const std::string&);
  const std::pair<const char*, Pair> pairs[] = {{"bitwise.bitwise_and", bitwise::bitwise_and},
                                                {"bitwise.bitwise_or", bitwise::bitwise_or},
                                                {"bitwise.bitwise_xor", bitwise::bitwise_xor},
                                                {"bitwise.left_shift", bitwise::left_shift},
                                                {"bitwise.right_shift", bitwise::right_shift}};
  for (const auto& [name, fn] : pairs) {
    calls[name] = [fn = fn](const Inputs& in, const Json&) { return fn(in.at(0), in.at(1), ""); };
  }
  calls["bitwise.invert"] = [](const Inputs& in, const Json&) { return bitwise::invert(in.at(0)); };
}

void AddOrders(Calls& calls) {
  calls["sort"] = [](const Inputs& in, const Json& attrs) {
    return sort(in.at(0), attrs["axis"].get<int>(), attrs["direction"] == "DESCENDING");
  };
  calls["searchsorted"] = [](const Inputs& in, const Json& attrs) {
    return searchsorted(in.at(0), in.at(1), attrs["side"] == "right");
  };
  calls["setdiff1d"] = [](const Inputs& in, const Json&) {
    const Difference both = setdiff1d(in.at(0), in.at(1));
    return reduce_sum(cast(both.out, DType::kFloat64) * cast(both.idx + 1, DType::kFloat64));
  };
}

}  // namespace

Calls OrderCalls() {
  Calls calls;
  AddBits(calls);
  AddOrders(calls);
  return calls;
}

}  // namespace varscope::conformance
