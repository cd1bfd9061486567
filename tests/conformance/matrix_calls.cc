// Calls of what sees matrices or volumes in a tensor; the names are those of
// tests/differential/matrices.py.
#include "tests/conformance/op_calls.h"
#include "varscope/array_ops.h"
#include "varscope/math_ops.h"
#include "varscope/nn.h"

namespace varscope::conformance {
namespace {

using Inputs = std::vector<Output>;

std::vector<int64_t> List(const Json& attrs, const char* name) {
  return attrs[name].get<std::vector<int64_t>>();
}

void AddMatrices(Calls& calls) {
  calls["linalg.inv"] = [](const Inputs& in, const Json&) { return matrix_inverse(in.at(0)); };
  calls["linalg.det"] = [](const Inputs& in, const Json&) { return matrix_determinant(in.at(0)); };
  calls["linalg.cholesky"] = [](const Inputs& in, const Json&) { return cholesky(in.at(0)); };
  calls["linalg.solve"] = [](const Inputs& in, const Json& attrs) {
    return matrix_solve(in.at(0), in.at(1), attrs.value("adjoint", false));
  };
  calls["linalg.band_part"] = [](const Inputs& in, const Json& attrs) {
    return matrix_band_part(in.at(0), attrs["num_lower"].get<int64_t>(),
                            attrs["num_upper"].get<int64_t>());
  };
  calls["linalg.eigvalsh"] = [](const Inputs& in, const Json&) {
    return self_adjoint_eigvals(in.at(0));
  };
  calls["eigenvectors"] = [](const Inputs& in, const Json&) {
    const EigenPairs pairs = self_adjoint_eig(in.at(0));
    return add(square(pairs.vectors), expand_dims(pairs.values, -1));
  };
  calls["singular_values"] = [](const Inputs& in, const Json&) {
    return singular_values(in.at(0));
  };
  calls["svd.s"] = [](const Inputs& in, const Json& attrs) {
    return svd(in.at(0), attrs.value("full", false)).s;
  };
  calls["svd.u"] = [](const Inputs& in, const Json& attrs) {
    return square(svd(in.at(0), attrs.value("full", false)).u);
  };
  calls["svd.v"] = [](const Inputs& in, const Json& attrs) {
    return square(svd(in.at(0), attrs.value("full", false)).v);
  };
  calls["qr.q"] = [](const Inputs& in, const Json& attrs) {
    return square(qr(in.at(0), attrs.value("full", false)).q);
  };
  calls["qr.r"] = [](const Inputs& in, const Json& attrs) {
    return square(qr(in.at(0), attrs.value("full", false)).r);
  };
  calls["argsort"] = [](const Inputs& in, const Json& attrs) {
    return argsort(in.at(0), attrs["axis"].get<int>(), attrs["direction"] == "DESCENDING");
  };
}

void AddVolumes(Calls& calls) {
  calls["nn.conv3d"] = [](const Inputs& in, const Json& attrs) {
    return nn::conv3d(in.at(0), in.at(1), List(attrs, "strides"), attrs["padding"]);
  };
  calls["nn.conv3d_transpose"] = [](const Inputs& in, const Json& attrs) {
    const std::vector<int64_t> shape = List(attrs, "output_shape");
    return nn::conv3d_transpose(in.at(0), in.at(1),
                                Tensor::Of<int64_t>({static_cast<int64_t>(shape.size())}, shape),
                                List(attrs, "strides"), attrs["padding"]);
  };
  calls["nn.max_pool3d"] = [](const Inputs& in, const Json& attrs) {
    return nn::max_pool3d(in.at(0), List(attrs, "ksize"), List(attrs, "strides"), attrs["padding"]);
  };
  calls["nn.avg_pool3d"] = [](const Inputs& in, const Json& attrs) {
    return nn::avg_pool3d(in.at(0), List(attrs, "ksize"), List(attrs, "strides"), attrs["padding"]);
  };
}

}  // namespace

Calls MatrixCalls() {
  Calls calls;
  AddMatrices(calls);
  AddVolumes(calls);
  return calls;
}

}  // namespace varscope::conformance
