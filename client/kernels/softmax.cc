#include <Eigen/Core>
#include <cmath>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/exp.h"
#include "client/kernels/kernels.h"

namespace varscope::internal::kernels {
namespace {

template <typename T>
using Row = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;
template <typename T>
using ConstRow = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

// Calls fn.operator()<T>(row) for each row of the last dimension.
template <typename Fn>
absl::Status ForEachRow(KernelContext& ctx, const Tensor& x, Fn fn) {
  const int64_t width = x.shape().dim(-1);
  const int64_t rows = width == 0 ? 0 : x.num_elements() / width;
  const auto cost = 15.0 * static_cast<double>(width);
  if (x.dtype() == DType::kFloat32) {
    ctx.device.ParallelFor(rows, cost, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) fn(TypeTag<float>{}, row, width);
    });
  } else if (x.dtype() == DType::kFloat64) {
    ctx.device.ParallelFor(rows, cost, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) fn(TypeTag<double>{}, row, width);
    });
  } else {
    return UnsupportedDType(x.dtype());
  }
  return absl::OkStatus();
}

absl::Status CheckLabels(const Tensor& labels, int64_t classes) {
  for (int64_t i = 0; i < labels.num_elements(); ++i) {
    const int64_t label =
        labels.dtype() == DType::kInt32 ? labels.data<int32_t>()[i] : labels.data<int64_t>()[i];
    if (label >= 0 && label < classes) continue;
    return absl::InvalidArgumentError(absl::StrCat("Received a label value of ", label,
                                                   " which is outside the valid range of [0, ",
                                                   classes, ")"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Softmax(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  Tensor& out = ctx.Forward({0});
  return ForEachRow(ctx, x, [&](auto tag, int64_t row, int64_t width) {
    using T = typename decltype(tag)::type;
    const ConstRow<T> from(x.data<T>() + row * width, width);
    Row<T> to(out.mutable_data<T>() + row * width, width);
    const T max = from.maxCoeff();
    ExpInto<T>(from - max, to);
    to /= to.sum();
  });
}

absl::Status LogSoftmax(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  Tensor& out = ctx.Forward({0});
  return ForEachRow(ctx, x, [&](auto tag, int64_t row, int64_t width) {
    using T = typename decltype(tag)::type;
    const ConstRow<T> from(x.data<T>() + row * width, width);
    Row<T> to(out.mutable_data<T>() + row * width, width);
    const T max = from.maxCoeff();
    const T log_sum = std::log((from - max).exp().sum());
    to = (from - max) - log_sum;
  });
}

// (logits, labels) -> losses, their gradient with respect to the logits.
absl::Status SoftmaxCrossEntropy(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const Tensor& labels = ctx.in(1);
  Tensor& loss = ctx.Allocate(0);
  std::memset(loss.mutable_raw(), 0, loss.byte_size());  // of rows without classes
  Tensor& gradient = ctx.Allocate(1);
  return ForEachRow(ctx, x, [&](auto tag, int64_t row, int64_t width) {
    using T = typename decltype(tag)::type;
    const ConstRow<T> from(x.data<T>() + row * width, width);
    const ConstRow<T> label(labels.data<T>() + row * width, width);
    Row<T> to(gradient.mutable_data<T>() + row * width, width);
    const T max = from.maxCoeff();
    ExpInto<T>(from - max, to);
    const T sum = to.sum();
    // From 0 on: one that is 0 is never -0, which the program may divide by.
    loss.mutable_data<T>()[row] = T{0} + (label * (std::log(sum) - (from - max))).sum();
    to = to / sum - label;
  });
}

// (logits, labels): labels are class numbers.
absl::Status SparseSoftmaxCrossEntropy(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const Tensor& labels = ctx.in(1);
  if (absl::Status s = CheckLabels(labels, x.shape().dim(-1)); !s.ok()) return s;
  Tensor& loss = ctx.Allocate(0);
  Tensor& gradient = ctx.Allocate(1);
  return ForEachRow(ctx, x, [&](auto tag, int64_t row, int64_t width) {
    using T = typename decltype(tag)::type;
    const int64_t label =
        labels.dtype() == DType::kInt32 ? labels.data<int32_t>()[row] : labels.data<int64_t>()[row];
    const ConstRow<T> from(x.data<T>() + row * width, width);
    Row<T> to(gradient.mutable_data<T>() + row * width, width);
    const T max = from.maxCoeff();
    ExpInto<T>(from - max, to);
    const T sum = to.sum();
    loss.mutable_data<T>()[row] = std::log(sum) - (from[label] - max);
    to /= sum;
    to[label] -= 1;
  });
}

}  // namespace varscope::internal::kernels
