// Convolution and pooling over NHWC images.
#include <algorithm>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "client/kernels/window.h"
#include "varscope/array_ops.h"
#include "varscope/nn.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

absl::Status CheckRank4(const Shape& shape, absl::string_view what) {
  if (!shape.known_rank() || shape.rank() == 4) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " must have 4 dimensions but is ", shape.ToString()));
}

absl::Status CheckWindowAttrs(const Attrs& attrs, const char* const* lists, int count) {
  for (int i = 0; i < count; ++i) {
    const std::vector<int64_t>& list = attrs.list(lists[i]);
    if (list.size() != 4 || list[0] != 1 || list[3] != 1 ||
        std::clamp(list[1], int64_t{1}, kMaxWindow) != list[1] ||
        std::clamp(list[2], int64_t{1}, kMaxWindow) != list[2]) {
      return absl::InvalidArgumentError(absl::StrCat(
          lists[i], " must be [1, y, x, 1] with y and x above 0 and up to ", kMaxWindow));
    }
  }
  if (attrs.text("padding") == "SAME" || attrs.text("padding") == "VALID") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("padding '", attrs.text("padding"), "' is neither SAME nor VALID"));
}

// Positions along a dimension of which both sizes are known, else -1; never below that.
absl::StatusOr<int64_t> Along(int64_t n, int64_t window, int64_t stride, bool same) {
  if (n < 0 || window < 0) return Shape::kUnknownDim;
  const int64_t positions = Positions(n, window, stride, same);
  if (window > 0 && positions >= 0) return positions;
  return absl::InvalidArgumentError(absl::StrCat("a window of ", window, " does not fit into ", n));
}

Specs SlidingShape(const InferContext& c, int64_t height, int64_t width, int64_t channels) {
  const Shape& image = c.shape(0);
  if (!image.known_rank()) {
    return std::vector<OutputSpec>{{c.dtype(0), Shape{-1, -1, -1, channels}}};
  }
  const std::vector<int64_t>& strides = c.attrs.list("strides");
  const bool same = c.attrs.text("padding") == "SAME";
  const absl::StatusOr<int64_t> out_height = Along(image.dim(1), height, strides[1], same);
  if (!out_height.ok()) return out_height.status();
  const absl::StatusOr<int64_t> out_width = Along(image.dim(2), width, strides[2], same);
  if (!out_width.ok()) return out_width.status();
  return std::vector<OutputSpec>{
      {c.dtype(0), Shape{image.dim(0), *out_height, *out_width, channels}}};
}

Specs ConvShape(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  if (absl::Status s = CheckSameDType(c, 0, 1); !s.ok()) return s;
  if (absl::Status s = CheckRank4(c.shape(0), "the input"); !s.ok()) return s;
  if (absl::Status s = CheckRank4(c.shape(1), "the filter"); !s.ok()) return s;
  constexpr const char* kLists[] = {"strides"};
  if (absl::Status s = CheckWindowAttrs(c.attrs, kLists, 1); !s.ok()) return s;
  const Shape& filter = c.shape(1);
  if (!filter.known_rank()) return std::vector<OutputSpec>{{c.dtype(0), Shape{-1, -1, -1, -1}}};
  const int64_t depth = c.shape(0).known_rank() ? c.shape(0).dim(3) : -1;
  if (depth >= 0 && filter.dim(2) >= 0 && depth != filter.dim(2)) {
    return absl::InvalidArgumentError(
        absl::StrCat("Depth of the input, ", depth, ", is not the filter's, ", filter.dim(2)));
  }
  return SlidingShape(c, filter.dim(0), filter.dim(1), filter.dim(3));
}
Grads ConvGrad(const GradContext& c) {
  return {Dense(MakeOp("Conv2DBackpropInput", "Conv2DBackpropInput", {c.dy(), c.x(1), c.x(0)},
                       c.attrs())),
          Dense(MakeOp("Conv2DBackpropFilter", "Conv2DBackpropFilter", {c.dy(), c.x(0), c.x(1)},
                       c.attrs()))};
}
// (dy, filter, x) and (dy, x, filter).
Specs BackpropInputShape(const InferContext& c) {
  const OutputSpec inputs[] = {c.inputs[0], c.inputs[2], c.inputs[1]};
  return LikeOperand<ConvShape>({c.attrs, inputs});
}
Specs BackpropFilterShape(const InferContext& c) {
  const Specs like_x = LikeOperand<ConvShape>(c);
  if (!like_x.ok()) return like_x;
  return std::vector<OutputSpec>{c.inputs[2]};
}
// Both are linear in dy and in the operand.
Grads BackpropInputGrad(const GradContext& c) {
  return {Dense(MakeOp("Conv2D", "Conv2D", {c.dy(), c.x(1)}, c.attrs())),
          Dense(MakeOp("Conv2DBackpropFilter", "Conv2DBackpropFilter", {c.x(0), c.dy(), c.x(1)},
                       c.attrs())),
          None()};
}
Grads BackpropFilterGrad(const GradContext& c) {
  return {Dense(MakeOp("Conv2D", "Conv2D", {c.x(1), c.dy()}, c.attrs())),
          Dense(MakeOp("Conv2DBackpropInput", "Conv2DBackpropInput", {c.x(0), c.dy(), c.x(1)},
                       c.attrs())),
          None()};
}

Specs PoolShape(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  if (absl::Status s = CheckRank4(c.shape(0), "the input"); !s.ok()) return s;
  constexpr const char* kLists[] = {"strides", "ksize"};
  if (absl::Status s = CheckWindowAttrs(c.attrs, kLists, 2); !s.ok()) return s;
  const std::vector<int64_t>& ksize = c.attrs.list("ksize");
  return SlidingShape(c, ksize[1], ksize[2], c.shape(0).known_rank() ? c.shape(0).dim(3) : -1);
}
Grads MaxPoolGrad(const GradContext& c) {
  return {Dense(MakeOp("MaxPoolGrad", "MaxPoolGrad", {c.dy(), c.x(0)}, c.attrs()))};
}
Grads AvgPoolGrad(const GradContext& c) {
  return {Dense(MakeOp("AvgPoolGrad", "AvgPoolGrad", {c.dy(), c.x(0)}, c.attrs()))};
}
// The rules of gradients are linear in dy, and constant in x, as far as they depend on it.
Grads MaxPoolGradGrad(const GradContext& c) {
  return {Dense(MakeOp("MaxPoolGradGrad", "MaxPoolGradGrad", {c.dy(), c.x(1)}, c.attrs())), None()};
}
Grads MaxPoolGradGradGrad(const GradContext& c) {
  return {Dense(MakeOp("MaxPoolGrad", "MaxPoolGrad", {c.dy(), c.x(1)}, c.attrs())), None()};
}
Grads AvgPoolGradGrad(const GradContext& c) {
  return {Dense(MakeOp("AvgPool", "AvgPool", {c.dy()}, c.attrs())), None()};
}
// (ddx, x): what pooling makes of x.
Specs MaxPoolGradGradShape(const InferContext& c) {
  if (const Specs same = SameAsAll(c); !same.ok()) return same;
  return PoolShape({c.attrs, c.inputs.subspan(1)});
}

}  // namespace

std::vector<OpDef> ImageOps() {
  return {
      {.name = "Conv2D", .infer = ConvShape, .kernel = kernels::Conv2D, .gradient = ConvGrad},
      {.name = "Conv2DBackpropInput",
       .infer = BackpropInputShape,
       .kernel = kernels::Conv2DBackpropInput,
       .gradient = BackpropInputGrad},
      {.name = "Conv2DBackpropFilter",
       .infer = BackpropFilterShape,
       .kernel = kernels::Conv2DBackpropFilter,
       .gradient = BackpropFilterGrad},
      {.name = "MaxPool", .infer = PoolShape, .kernel = kernels::MaxPool, .gradient = MaxPoolGrad},
      {.name = "MaxPoolGrad",
       .infer = LikeOperand<PoolShape>,
       .kernel = kernels::MaxPoolGrad,
       .gradient = MaxPoolGradGrad},
      {.name = "MaxPoolGradGrad",
       .infer = MaxPoolGradGradShape,
       .kernel = kernels::MaxPoolGradGrad,
       .gradient = MaxPoolGradGradGrad},
      {.name = "AvgPool", .infer = PoolShape, .kernel = kernels::AvgPool, .gradient = AvgPoolGrad},
      {.name = "AvgPoolGrad",
       .infer = LikeOperand<PoolShape>,
       .kernel = kernels::AvgPoolGrad,
       .gradient = AvgPoolGradGrad},
  };
}

}  // namespace internal

namespace nn {

Output conv2d(const Input& input, const Input& filter, const std::vector<int64_t>& strides,
              const std::string& padding, const std::string& name) {
  return internal::Binary("Conv2D", input, filter, name, "Conv2D",
                          {{"strides", strides}, {"padding", padding}});
}
Output max_pool(const Input& input, const std::vector<int64_t>& ksize,
                const std::vector<int64_t>& strides, const std::string& padding,
                const std::string& name) {
  return internal::Unary("MaxPool", input, name, "MaxPool",
                         {{"ksize", ksize}, {"strides", strides}, {"padding", padding}});
}
Output avg_pool(const Input& input, const std::vector<int64_t>& ksize,
                const std::vector<int64_t>& strides, const std::string& padding,
                const std::string& name) {
  return internal::Unary("AvgPool", input, name, "AvgPool",
                         {{"ksize", ksize}, {"strides", strides}, {"padding", padding}});
}

Output conv2d_transpose(const Input& value, const Input& filter, const Input& output_shape,
                        const std::vector<int64_t>& strides, const std::string& padding,
                        const std::string& name) {
  const internal::FunctionScope scope(name, "conv2d_transpose", {&value, &filter});
  const Output dy = internal::ToOutput(value, "value");
  const Output weights = internal::ToOutput(filter, "filter", dy.dtype());
  const Tensor zero = [&] {
    Tensor tensor(dy.dtype(), Shape{});
    std::memset(tensor.mutable_raw(), 0, tensor.byte_size());
    return tensor;
  }();
  const Output like = fill(output_shape, zero, "like");
  return internal::MakeOp("Conv2DBackpropInput", scope.name(), {dy, weights, like},
                          {{"strides", strides}, {"padding", padding}});
}

}  // namespace nn
}  // namespace varscope
