#include "proto/tensor/elements.h"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

namespace varscope {
namespace {

// Three types between which all others are converted: each dtype's code is made twice, not once for
// every other dtype.
template <typename T>
using Wide = std::conditional_t<!std::numeric_limits<T>::is_integer, double,
                                std::conditional_t<std::is_same_v<T, uint64_t>, uint64_t, int64_t>>;

// C++ does not define the conversion of a number that an integer cannot hold.
template <typename To, typename From>
To Convert(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> &&
                !std::is_same_v<To, bool>) {
    if (x != x) return 0;
    constexpr auto kLow = static_cast<From>(std::numeric_limits<To>::min());
    constexpr auto kHigh = static_cast<From>(std::numeric_limits<To>::max());
    if (x <= kLow) return std::numeric_limits<To>::min();
    if (x >= kHigh) return std::numeric_limits<To>::max();
  }
  return static_cast<To>(x);
}

template <typename From>
void FromWide(std::span<const From> wide, DType to, std::byte* converted) {
  VisitDType(to, [&](auto tag) {
    using To = typename decltype(tag)::type;
    auto* const out = reinterpret_cast<To*>(converted);
    for (size_t i = 0; i < wide.size(); ++i) out[i] = Convert<To>(wide[i]);
  });
}

}  // namespace

void ConvertElements(DType from, const std::byte* elements, DType to, std::byte* converted,
                     int64_t count) {
  constexpr int64_t kAtOnce = 512;
  VisitDType(from, [&](auto tag) {
    using From = typename decltype(tag)::type;
    const auto* const in = reinterpret_cast<const From*>(elements);
    std::array<Wide<From>, kAtOnce> wide;
    for (int64_t begin = 0; begin < count; begin += kAtOnce) {
      const int64_t n = std::min(kAtOnce, count - begin);
      for (int64_t i = 0; i < n; ++i) wide[i] = static_cast<Wide<From>>(in[begin + i]);
      FromWide(std::span<const Wide<From>>(wide).first(n), to, converted + begin * SizeOf(to));
    }
  });
}

void Fill(Tensor& tensor, double value) {
  VisitSize(tensor.dtype(), [&](auto tag) {
    typename decltype(tag)::type element{};
    ConvertElements(DType::kFloat64, reinterpret_cast<const std::byte*>(&value), tensor.dtype(),
                    reinterpret_cast<std::byte*>(&element), 1);
    std::fill_n(tensor.mutable_data<decltype(element)>(), tensor.num_elements(), element);
  });
}

bool AreValid(DType dtype, std::span<const std::byte> elements) {
  return dtype != DType::kBool || std::all_of(elements.begin(), elements.end(),
                                              [](std::byte b) { return b <= std::byte{1}; });
}

}  // namespace varscope
