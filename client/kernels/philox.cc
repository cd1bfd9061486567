#include "client/kernels/philox.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/philox_numbers.h"

namespace varscope::internal {
namespace {

// One number after the other, of block after block.
class Words {
 public:
  explicit Words(const Philox& philox) : philox_(philox) {}
  uint32_t Next() {
    if (used_ == 4) {
      block_ = philox_.Next();
      used_ = 0;
    }
    return block_[used_++];
  }
  double NextDouble() {
    const uint32_t high = Next();
    return ToDouble(high, Next());
  }

 private:
  Philox philox_;
  Philox::Block block_{};
  int used_ = 4;
};

// As Normal, without what is 2 or more away from 0.
template <typename T>
void Truncated(const Philox& philox, T* out) {
  Words words(philox);
  const auto uniform = [&]() -> T {
    if constexpr (sizeof(T) == 4) return ToFloat(words.Next());
    return static_cast<T>(words.NextDouble());
  };
  for (int i = 0; i < kOfABlock<T>;) {
    const T first = uniform();
    const auto [a, b] = BoxMuller(first, uniform());
    if (std::abs(a) < 2) out[i++] = a;
    if (i < kOfABlock<T> && std::abs(b) < 2) out[i++] = b;
  }
}

// draw(group, out) fills the numbers of one group.
template <typename T, typename Draw>
void Fill(KernelContext& ctx, Tensor& out, double cost, Draw draw) {
  const int64_t n = out.num_elements();
  constexpr int64_t kGroup = kOfABlock<T>;
  T* const to = out.mutable_data<T>();
  ctx.device.ParallelFor((n + kGroup - 1) / kGroup, cost, [&](int64_t begin, int64_t end) {
    T group[kGroup];
    for (int64_t i = begin; i < end; ++i) {
      draw(i, group);
      std::copy_n(group, std::min(kGroup, n - i * kGroup), to + i * kGroup);
    }
  });
}

template <typename Draw>
absl::Status FillFloats(KernelContext& ctx, double cost, Draw draw) {
  const Philox philox = StreamOf(ctx);
  Tensor& out = ctx.Allocate();
  return VisitComputedFloats(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    Fill<T>(ctx, out, cost, [&](int64_t group, T* to) { draw(philox, group, to); });
  });
}

Philox::Block BlockAt(Philox philox, int64_t number) {
  philox.Skip(static_cast<uint64_t>(number));
  return philox.Next();
}

template <typename T>
void FillIntegers(KernelContext& ctx, const Philox& philox) {
  using U = std::make_unsigned_t<T>;
  const T low = ctx.in(1).scalar<T>();
  const U range = static_cast<U>(ctx.in(2).scalar<T>()) - static_cast<U>(low);
  Fill<T>(ctx, ctx.Allocate(), 40, [&](int64_t group, T* to) {
    const Philox::Block block = BlockAt(philox, group);
    for (int i = 0; i < kOfABlock<T>; ++i) {
      U bits = 0;
      if constexpr (sizeof(T) == 4) {
        bits = block[i];
      } else {
        bits = block[2 * i] | uint64_t{block[2 * i + 1]} << 32;
      }
      to[i] = static_cast<T>(static_cast<U>(low) + bits % range);
    }
  });
}

// Drawn one after the other, each from a class's share of the whole.
void DrawClasses(std::span<const double> sums, int64_t count, Words& words,
                 const std::function<void(int64_t, int64_t)>& give) {
  for (int64_t i = 0; i < count; ++i) {
    const double at = words.NextDouble() * sums.back();
    give(i, std::upper_bound(sums.begin(), sums.end(), at) - sums.begin());
  }
}

// Running sums of e^logit, of the finite ones alone.
template <typename T>
void SumShares(std::span<const T> logits, std::vector<double>& sums) {
  T most = std::numeric_limits<T>::lowest();
  for (const T x : logits) {
    if (std::isfinite(x)) most = std::max(most, x);
  }
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isfinite(logits[i])) sum += std::exp(static_cast<double>(logits[i]) - most);
    sums[i] = sum;
  }
}

}  // namespace

Philox StreamOf(KernelContext& ctx) {
  auto seed = static_cast<uint64_t>(ctx.attrs.integer("seed"));
  auto seed2 = static_cast<uint64_t>(ctx.attrs.integer("seed2"));
  if (seed == 0 && seed2 == 0) {
    seed = ctx.device.NextSeed();
    seed2 = ctx.device.NextSeed();
  }
  Philox philox(seed, seed2);
  philox.Skip(ctx.in(ctx.num_inputs() - 1).scalar<uint64_t>());
  return philox;
}

uint64_t BlocksOfShuffle(int64_t rows) {
  return rows <= 1 ? 0 : static_cast<uint64_t>((rows - 1 + 3) / 4);
}

namespace kernels {

absl::Status PhiloxUniform(KernelContext& ctx) {
  return FillFloats(ctx, 40, [](const Philox& philox, int64_t group, auto* to) {
    Uniform(BlockAt(philox, group), to);
  });
}
absl::Status PhiloxNormal(KernelContext& ctx) {
  return FillFloats(ctx, 150, [](const Philox& philox, int64_t group, auto* to) {
    Normal(BlockAt(philox, group), to);
  });
}
// Each group has blocks enough for what it throws away.
absl::Status PhiloxTruncatedNormal(KernelContext& ctx) {
  return FillFloats(ctx, 200, [](const Philox& philox, int64_t group, auto* to) {
    using T = std::remove_pointer_t<decltype(to)>;
    Philox own = philox;
    own.Skip(static_cast<uint64_t>(group) * kOfABlock<T> * kBlocksOfAnElement / 4);
    Truncated(own, to);
  });
}

absl::Status PhiloxUniformInt(KernelContext& ctx) {
  const Philox philox = StreamOf(ctx);
  const bool is_long = ctx.dtype() == DType::kInt64;
  const int64_t low = is_long ? ctx.in(1).scalar<int64_t>() : ctx.in(1).scalar<int32_t>();
  const int64_t high = is_long ? ctx.in(2).scalar<int64_t>() : ctx.in(2).scalar<int32_t>();
  if (low >= high) {
    return absl::InvalidArgumentError(
        absl::StrCat("Need minval < maxval, got ", low, " >= ", high));
  }
  is_long ? FillIntegers<int64_t>(ctx, philox) : FillIntegers<int32_t>(ctx, philox);
  return absl::OkStatus();
}

absl::Status RandomShuffle(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const int64_t rows = x.shape().rank() == 0 ? 1 : x.shape().dim(0);
  if (rows <= 1) {
    ctx.Share(x);
    return absl::OkStatus();
  }
  std::vector<int64_t> order(rows);
  std::iota(order.begin(), order.end(), 0);
  Words words(StreamOf(ctx));
  for (int64_t i = 0; i + 1 < rows; ++i) {
    std::swap(order[i], order[i + words.Next() % static_cast<uint32_t>(rows - i)]);
  }
  Tensor& out = ctx.Allocate();
  const size_t size = x.byte_size() / static_cast<size_t>(rows);
  for (int64_t i = 0; i < rows; ++i) {
    std::memcpy(out.mutable_raw() + i * size, x.raw() + order[i] * size, size);
  }
  return absl::OkStatus();
}

absl::Status Multinomial(KernelContext& ctx) {
  const Tensor& logits = ctx.in(0);
  const int64_t rows = logits.shape().dim(0);
  const int64_t classes = logits.shape().dim(1);
  const int64_t count = ctx.shape().dim(1);
  if (classes == 0 && rows * count > 0) {
    return absl::InvalidArgumentError("num_classes should be positive, got 0");
  }
  const Philox philox = StreamOf(ctx);
  Tensor& out = ctx.Allocate();
  if (out.num_elements() == 0) return absl::OkStatus();
  std::vector<double> sums(classes);
  Words words(philox);
  return VisitComputedFloats(logits.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t row = 0; row < rows; ++row) {
      SumShares<T>({logits.data<T>() + row * classes, static_cast<size_t>(classes)}, sums);
      DrawClasses(sums, count, words, [&](int64_t i, int64_t found) {
        const int64_t at = row * count + i;
        if (out.dtype() == DType::kInt32) {
          out.mutable_data<int32_t>()[at] = static_cast<int32_t>(found);
        } else {
          out.mutable_data<int64_t>()[at] = found;
        }
      });
    }
  });
}

}  // namespace kernels
}  // namespace varscope::internal
