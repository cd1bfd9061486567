#include "tests/simulation/values.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

namespace varscope::simulation {
namespace {

template <typename T>
T DrawElement(Draws& draws, bool finite) {
  using Limits = std::numeric_limits<T>;
  const uint64_t drawn = draws.Draw("element", 64);
  if constexpr (std::is_same_v<T, bool>) {
    return drawn % 2 == 1;
  } else if constexpr (Limits::is_integer) {
    const T ends[] = {0, 1, Limits::min(), Limits::max()};
    return drawn < 8 ? ends[drawn / 2] : static_cast<T>(drawn * 0x0101010101010101);
  } else {
    const T ends[] = {T{0.0F},
                      T{-0.0F},
                      Limits::max(),
                      Limits::lowest(),
                      Limits::min(),
                      Limits::denorm_min(),
                      static_cast<T>(Limits::max() / 2)};
    const T never[] = {Limits::infinity(), static_cast<T>(-Limits::infinity()),
                       Limits::quiet_NaN()};
    if (!finite && drawn >= 61) return never[drawn - 61];
    return drawn < 7 ? ends[drawn] : static_cast<T>((static_cast<double>(drawn) - 32) / 8);
  }
}

}  // namespace

double DrawNumber(Draws& draws) {
  static const std::vector<double> kNumbers = {0.1,     0,     -0.0,    1,        -1,    0.5,
                                               1e-3,    2,     1e10,    1e30,     1e-30, 3.4e38,
                                               -3.4e38, 1e-45, 1.7e308, -1.7e308, 5e-324};
  return draws.OneOf("number", kNumbers);
}

Tensor DrawValues(Draws& draws, DType dtype, const Shape& shape, bool finite) {
  Tensor tensor(dtype, shape);
  VisitDType(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T& x : tensor.mutable_values<T>()) x = DrawElement<T>(draws, finite);
  });
  return tensor;
}

Tensor DrawRows(Draws& draws, const Shape& shape, int64_t count) {
  const auto rows = static_cast<uint64_t>(std::max<int64_t>(shape.dim(0), 1));
  std::vector<int64_t> numbers(count);
  for (int64_t& row : numbers) row = static_cast<int64_t>(draws.Draw("row", rows));
  if (count > 0 && draws.OneIn("a row that is not there", 60)) {
    numbers[0] = static_cast<int64_t>(rows);
  }
  if (draws.OneIn("int64", 2)) return Tensor::Of<int64_t>(Shape{count}, numbers);
  return Tensor::Of<int32_t>(Shape{count}, {numbers.begin(), numbers.end()});
}

}  // namespace varscope::simulation
