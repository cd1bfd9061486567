// Matrix products on raw memory, over the device's threads.
#ifndef VARSCOPE_CLIENT_KERNELS_MATMUL_H_
#define VARSCOPE_CLIENT_KERNELS_MATMUL_H_

#include "client/kernels/device.h"

namespace varscope::internal {

// c[m, n] = op(a) op(b), row-major; a is [m, k], or [k, m] when transposed; b is [k, n] or [n, k].
template <typename T>
struct MatMulArgs {
  const T* a;
  const T* b;
  T* c;
  int64_t m, n, k;
  bool transpose_a = false;
  bool transpose_b = false;
};
void MatMulInto(Device& device, const MatMulArgs<float>& args);
void MatMulInto(Device& device, const MatMulArgs<double>& args);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_MATMUL_H_
