// e^x, vectorized.
#ifndef VARSCOPE_CLIENT_KERNELS_EXP_H_
#define VARSCOPE_CLIENT_KERNELS_EXP_H_

#include <Eigen/Core>
#include <limits>

namespace varscope::internal::kernels {

// `to` becomes e^from, and 0 where that is less than the smallest normal number, as TensorFlow's:
// Eigen's alone ends near that number, even for -infinity. `from` may be `to` itself.
template <typename T, typename From>
void ExpInto(const From& from, Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>> to) {
  to = from.exp();
  for (T& y : to) y = y < std::numeric_limits<T>::min() ? T{0} : y;
}

}  // namespace varscope::internal::kernels

#endif  // VARSCOPE_CLIENT_KERNELS_EXP_H_
