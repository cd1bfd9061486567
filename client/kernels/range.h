// start, start + delta and so on, before limit.
#ifndef VARSCOPE_CLIENT_KERNELS_RANGE_H_
#define VARSCOPE_CLIENT_KERNELS_RANGE_H_

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace varscope::internal {

// How many there are, counted as TensorFlow counts: of integers exactly, of floats in their own
// precision. InvalidArgument for a delta of 0, one away from the limit, a NaN, and more than fit.
template <typename T>
absl::StatusOr<int64_t> CountOfRange(T start, T limit, T delta) {
  if (delta == T{0}) return absl::InvalidArgumentError("Requires delta != 0: 0");
  if (delta > T{0} ? !(start <= limit) : !(start >= limit)) {
    return absl::InvalidArgumentError(
        absl::StrCat("Requires start ", delta > T{0} ? "<=" : ">=", " limit when delta ",
                     delta > T{0} ? ">" : "<", " 0: ", start, "/", limit));
  }
  if constexpr (std::is_floating_point_v<T>) {
    const T count = std::ceil(std::abs((limit - start) / delta));
    if (count < T{0x1p63}) return static_cast<int64_t>(count);
  } else {
    const auto between = [](T from, T to) {
      return static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
    };
    const uint64_t distance = delta > T{0} ? between(start, limit) : between(limit, start);
    const uint64_t step = delta > T{0} ? between(T{0}, delta) : between(delta, T{0});
    const uint64_t count = distance / step + (distance % step != 0 ? 1 : 0);
    if (count <= uint64_t{INT64_MAX}) return static_cast<int64_t>(count);
  }
  return absl::InvalidArgumentError("the range has too many elements");
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_RANGE_H_
