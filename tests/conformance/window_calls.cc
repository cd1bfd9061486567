// Calls of windows over images; the names are those of tests/differential/windows.py.
#include "tests/conformance/op_calls.h"
#include "varscope/array_ops.h"
#include "varscope/nn.h"

namespace varscope::conformance {
namespace {

using Inputs = std::vector<Output>;

std::vector<int64_t> List(const Json& attrs, const char* name) {
  return attrs[name].get<std::vector<int64_t>>();
}

using PoolFn = Output (*)(const Input&, const std::vector<int64_t>&, const std::vector<int64_t>&,
                          const std::string&, const std::string&);

Calls::mapped_type Pool(PoolFn fn) {
  return [fn](const Inputs& in, const Json& attrs) {
    return fn(in.at(0), List(attrs, "ksize"), List(attrs, "strides"), attrs["padding"], "");
  };
}

nn::MaxAndPlaces PoolWithPlaces(const Inputs& in, const Json& attrs) {
  return nn::max_pool_with_argmax(in.at(0), List(attrs, "ksize"), List(attrs, "strides"),
                                  attrs["padding"], DType::kInt64, attrs.value("batch", false));
}

}  // namespace

Calls WindowCalls() {
  Calls calls;
  calls["nn.conv2d"] = [](const Inputs& in, const Json& attrs) {
    return nn::conv2d(in.at(0), in.at(1), List(attrs, "strides"), attrs["padding"]);
  };
  calls["nn.depthwise_conv2d"] = [](const Inputs& in, const Json& attrs) {
    return nn::depthwise_conv2d(in.at(0), in.at(1), List(attrs, "strides"), attrs["padding"]);
  };
  calls["nn.conv2d_transpose"] = [](const Inputs& in, const Json& attrs) {
    return nn::conv2d_transpose(in.at(0), in.at(1),
                                Tensor::Of<int64_t>({4}, List(attrs, "output_shape")),
                                List(attrs, "strides"), attrs["padding"]);
  };
  calls["nn.max_pool"] = Pool(nn::max_pool);
  calls["nn.avg_pool"] = Pool(nn::avg_pool);
  calls["max_pool_with_argmax"] = [](const Inputs& in, const Json& attrs) {
    return PoolWithPlaces(in, attrs).output;
  };
  calls["max_pool_with_argmax.argmax"] = [](const Inputs& in, const Json& attrs) {
    return PoolWithPlaces(in, attrs).argmax;
  };
  return calls;
}

}  // namespace varscope::conformance
