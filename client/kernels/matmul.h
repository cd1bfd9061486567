// Matrix products on raw memory, over the device's threads: oneDNN's for float32, Eigen's for
// float64.
#ifndef VARSCOPE_CLIENT_KERNELS_MATMUL_H_
#define VARSCOPE_CLIENT_KERNELS_MATMUL_H_

#include "absl/status/status.h"
#include "client/kernels/device.h"

namespace varscope::internal {

// c[m, n] = op(a) op(b), row-major; a is [m, k], or [k, m] when transposed; b is [k, n] or [n, k].
// c lies apart from a and b.
template <typename T>
struct MatMulArgs {
  const T* a;
  const T* b;
  T* c;
  int64_t m, n, k;
  bool transpose_a = false;
  bool transpose_b = false;
};
// ResourceExhausted without memory for what is packed. Thread-safe.
absl::Status MatMulInto(Device& device, const MatMulArgs<float>& args);
absl::Status MatMulInto(Device& device, const MatMulArgs<double>& args);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_MATMUL_H_
