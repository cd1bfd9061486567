// Convolution and pooling over images, NHWC, and volumes, NDHWC.
#include <algorithm>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/indices.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "client/kernels/window.h"
#include "varscope/array_ops.h"
#include "varscope/nn.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

// What is slid over, by the number of dimensions that windows have: images [batch, y, x, channels]
// and volumes [batch, z, y, x, channels]. The names are those of TensorFlow's ops.
struct Images {
  static constexpr int kSpatial = 2;
  static constexpr const char* kSteps = "[1, y, x, 1] with y and x";
  static constexpr const char* kConv = "Conv2D";
  static constexpr const char* kConvInput = "Conv2DBackpropInput";
  static constexpr const char* kConvFilter = "Conv2DBackpropFilter";
  static constexpr const char* kMaxPool = "MaxPool";
  static constexpr const char* kMaxPoolGrad = "MaxPoolGrad";
  static constexpr const char* kMaxPoolGradGrad = "MaxPoolGradGrad";
  static constexpr const char* kAvgPool = "AvgPool";
  static constexpr const char* kAvgPoolGrad = "AvgPoolGrad";
};
struct Volumes {
  static constexpr int kSpatial = 3;
  static constexpr const char* kSteps = "[1, z, y, x, 1] with z, y and x";
  static constexpr const char* kConv = "Conv3D";
  static constexpr const char* kConvInput = "Conv3DBackpropInputV2";
  static constexpr const char* kConvFilter = "Conv3DBackpropFilterV2";
  static constexpr const char* kMaxPool = "MaxPool3D";
  static constexpr const char* kMaxPoolGrad = "MaxPool3DGrad";
  static constexpr const char* kMaxPoolGradGrad = "MaxPool3DGradGrad";
  static constexpr const char* kAvgPool = "AvgPool3D";
  static constexpr const char* kAvgPoolGrad = "AvgPool3DGrad";
};

template <typename Kind>
absl::Status CheckRankOfKind(const Shape& shape, absl::string_view what) {
  if (!shape.known_rank() || shape.rank() == Kind::kSpatial + 2) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " must have ", Kind::kSpatial + 2,
                                                 " dimensions but is ", shape.ToString()));
}

template <typename Kind>
absl::Status CheckWindowAttrs(const Attrs& attrs, std::initializer_list<const char*> lists) {
  for (const char* const name : lists) {
    const std::vector<int64_t>& list = attrs.list(name);
    bool fits = list.size() == Kind::kSpatial + 2 && list.front() == 1 && list.back() == 1;
    for (const int64_t n : list) fits = fits && n >= 1 && n <= kMaxWindow;
    if (!fits) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " must be ", Kind::kSteps, " above 0 and up to ", kMaxWindow));
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

// Of windows whose sizes `window` begins with.
template <typename Kind>
Specs SlidingShape(const InferContext& c, const int64_t* window, int64_t channels) {
  const Shape& image = c.shape(0);
  std::vector<int64_t> dims(Kind::kSpatial + 2, Shape::kUnknownDim);
  dims.back() = channels;
  if (!image.known_rank()) return OneOf(c.dtype(0), Shape(dims));
  dims[0] = image.dim(0);
  const std::vector<int64_t>& strides = c.attrs.list("strides");
  for (int i = 0; i < Kind::kSpatial; ++i) {
    const absl::StatusOr<int64_t> positions =
        Along(image.dim(i + 1), window[i], strides[i + 1], c.attrs.text("padding") == "SAME");
    if (!positions.ok()) return positions.status();
    dims[i + 1] = *positions;
  }
  return OneOf(c.dtype(0), Shape(dims));
}

// (input, filter), of which channels(depth of the input, filter) come out.
template <typename Kind, typename Channels>
Specs FilteredShape(const InferContext& c, Channels channels) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  if (absl::Status s = CheckSameDType(c, 0, 1); !s.ok()) return s;
  if (absl::Status s = CheckRankOfKind<Kind>(c.shape(0), "the input"); !s.ok()) return s;
  if (absl::Status s = CheckRankOfKind<Kind>(c.shape(1), "the filter"); !s.ok()) return s;
  if (absl::Status s = CheckWindowAttrs<Kind>(c.attrs, {"strides"}); !s.ok()) return s;
  const Shape& filter = c.shape(1);
  const std::vector<int64_t> unknown(Kind::kSpatial + 2, Shape::kUnknownDim);
  if (!filter.known_rank()) return OneOf(c.dtype(0), Shape(unknown));
  const int64_t depth = c.shape(0).known_rank() ? c.shape(0).dim(-1) : -1;
  if (depth >= 0 && filter.dim(-2) >= 0 && depth != filter.dim(-2)) {
    return absl::InvalidArgumentError(
        absl::StrCat("Depth of the input, ", depth, ", is not the filter's, ", filter.dim(-2)));
  }
  return SlidingShape<Kind>(c, filter.dims().data(), channels(depth, filter));
}
template <typename Kind>
Specs ConvShape(const InferContext& c) {
  return FilteredShape<Kind>(c, [](int64_t, const Shape& filter) { return filter.dim(-1); });
}
Output Like(const GradContext& c, const char* op, std::vector<Output> inputs) {
  return MakeOp(op, op, std::move(inputs), c.attrs());
}
template <typename Kind>
Grads ConvGrad(const GradContext& c) {
  return {Dense(Like(c, Kind::kConvInput, {c.dy(), c.x(1), c.x(0)})),
          Dense(Like(c, Kind::kConvFilter, {c.dy(), c.x(0), c.x(1)}))};
}
// (dy, filter, x) and (dy, x, filter).
template <typename Kind>
Specs BackpropInputShape(const InferContext& c) {
  const OutputSpec inputs[] = {c.inputs[0], c.inputs[2], c.inputs[1]};
  return LikeOperand<ConvShape<Kind>>({c.attrs, inputs});
}
template <typename Kind>
Specs BackpropFilterShape(const InferContext& c) {
  const Specs like_x = LikeOperand<ConvShape<Kind>>(c);
  if (!like_x.ok()) return like_x;
  return std::vector<OutputSpec>{c.inputs[2]};
}
// Both are linear in dy and in the operand.
template <typename Kind>
Grads BackpropInputGrad(const GradContext& c) {
  return {Dense(Like(c, Kind::kConv, {c.dy(), c.x(1)})),
          Dense(Like(c, Kind::kConvFilter, {c.x(0), c.dy(), c.x(1)})), None()};
}
template <typename Kind>
Grads BackpropFilterGrad(const GradContext& c) {
  return {Dense(Like(c, Kind::kConv, {c.x(1), c.dy()})),
          Dense(Like(c, Kind::kConvInput, {c.x(0), c.dy(), c.x(1)})), None()};
}

// Convolution of each channel by itself, with the rules of one of all channels.
constexpr const char* kDepthwise = "DepthwiseConv2dNative";
constexpr const char* kDepthwiseInput = "DepthwiseConv2dNativeBackpropInput";
constexpr const char* kDepthwiseFilter = "DepthwiseConv2dNativeBackpropFilter";

Specs DepthwiseShape(const InferContext& c) {
  return FilteredShape<Images>(c, [](int64_t depth, const Shape& filter) {
    const int64_t channels = std::max(depth, filter.dim(2));
    return channels < 0 || filter.dim(3) < 0 ? Shape::kUnknownDim : Times(channels, filter.dim(3));
  });
}
Grads DepthwiseGrad(const GradContext& c) {
  return {Dense(Like(c, kDepthwiseInput, {c.dy(), c.x(1), c.x(0)})),
          Dense(Like(c, kDepthwiseFilter, {c.dy(), c.x(0), c.x(1)}))};
}
Specs DepthwiseInputShape(const InferContext& c) {
  const OutputSpec inputs[] = {c.inputs[0], c.inputs[2], c.inputs[1]};
  return LikeOperand<DepthwiseShape>({c.attrs, inputs});
}
Specs DepthwiseFilterShape(const InferContext& c) {
  if (const Specs like_x = LikeOperand<DepthwiseShape>(c); !like_x.ok()) return like_x;
  return std::vector<OutputSpec>{c.inputs[2]};
}
Grads DepthwiseInputGrad(const GradContext& c) {
  return {Dense(Like(c, kDepthwise, {c.dy(), c.x(1)})),
          Dense(Like(c, kDepthwiseFilter, {c.x(0), c.dy(), c.x(1)})), None()};
}
Grads DepthwiseFilterGrad(const GradContext& c) {
  return {Dense(Like(c, kDepthwise, {c.x(1), c.dy()})),
          Dense(Like(c, kDepthwiseInput, {c.x(0), c.dy(), c.x(1)})), None()};
}

template <typename Kind>
Specs PoolShape(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  if (absl::Status s = CheckRankOfKind<Kind>(c.shape(0), "the input"); !s.ok()) return s;
  if (absl::Status s = CheckWindowAttrs<Kind>(c.attrs, {"strides", "ksize"}); !s.ok()) return s;
  const int64_t channels = c.shape(0).known_rank() ? c.shape(0).dim(-1) : -1;
  return SlidingShape<Kind>(c, c.attrs.list("ksize").data() + 1, channels);
}
template <typename Kind>
Grads MaxPoolGrad(const GradContext& c) {
  return {Dense(Like(c, Kind::kMaxPoolGrad, {c.dy(), c.x(0)}))};
}
template <typename Kind>
Grads AvgPoolGrad(const GradContext& c) {
  return {Dense(Like(c, Kind::kAvgPoolGrad, {c.dy(), c.x(0)}))};
}
// The rules of gradients are linear in dy, and constant in x, as far as they depend on it.
template <typename Kind>
Grads MaxPoolGradGrad(const GradContext& c) {
  return {Dense(Like(c, Kind::kMaxPoolGradGrad, {c.dy(), c.x(1)})), None()};
}
template <typename Kind>
Grads MaxPoolGradGradGrad(const GradContext& c) {
  return {Dense(Like(c, Kind::kMaxPoolGrad, {c.dy(), c.x(1)})), None()};
}
template <typename Kind>
Grads AvgPoolGradGrad(const GradContext& c) {
  return {Dense(Like(c, Kind::kAvgPool, {c.dy()})), None()};
}
// (ddx, x): what pooling makes of x.
template <typename Kind>
Specs MaxPoolGradGradShape(const InferContext& c) {
  if (const Specs same = SameAsAll(c); !same.ok()) return same;
  return PoolShape<Kind>({c.attrs, c.inputs.subspan(1)});
}

// The maxima, and where they lie.
Specs MaxPoolWithArgmaxShape(const InferContext& c) {
  Specs specs = PoolShape<Images>(c);
  if (!specs.ok()) return specs;
  const OutputSpec places = {c.attrs.get<DType>("Targmax"), (*specs)[0].shape};
  specs->push_back(places);
  return specs;
}
Grads MaxPoolWithArgmaxGrad(const GradContext& c) {
  if (!c.dys[0].defined()) return {None()};
  return MaxPoolGrad<Images>(c);
}

// The kernels of a kind, in the order of its names.
struct Kernels {
  KernelFn conv, conv_input, conv_filter;
  KernelFn max_pool, max_pool_grad, max_pool_grad_grad, avg_pool, avg_pool_grad;
};

template <typename Kind>
std::vector<OpDef> OpsOf(const Kernels& kernels) {
  const auto op = [](const char* name, InferFn infer, KernelFn kernel, GradFn gradient) {
    return OpDef{.name = name, .infer = infer, .kernel = kernel, .gradient = gradient};
  };
  return {
      op(Kind::kConv, ConvShape<Kind>, kernels.conv, ConvGrad<Kind>),
      op(Kind::kConvInput, BackpropInputShape<Kind>, kernels.conv_input, BackpropInputGrad<Kind>),
      op(Kind::kConvFilter, BackpropFilterShape<Kind>, kernels.conv_filter,
         BackpropFilterGrad<Kind>),
      op(Kind::kMaxPool, PoolShape<Kind>, kernels.max_pool, MaxPoolGrad<Kind>),
      op(Kind::kMaxPoolGrad, LikeOperand<PoolShape<Kind>>, kernels.max_pool_grad,
         MaxPoolGradGrad<Kind>),
      op(Kind::kMaxPoolGradGrad, MaxPoolGradGradShape<Kind>, kernels.max_pool_grad_grad,
         MaxPoolGradGradGrad<Kind>),
      op(Kind::kAvgPool, PoolShape<Kind>, kernels.avg_pool, AvgPoolGrad<Kind>),
      op(Kind::kAvgPoolGrad, LikeOperand<PoolShape<Kind>>, kernels.avg_pool_grad,
         AvgPoolGradGrad<Kind>)};
}

// The transpose of a convolution: dy is `value`, and the result is like zeros of that shape.
template <typename Kind>
Output ConvTranspose(const Input& value, const Input& filter, const Input& output_shape,
                     const std::vector<int64_t>& strides, const std::string& padding,
                     const std::string& name, const char* default_name) {
  const FunctionScope scope(name, default_name, {&value, &filter});
  const Output dy = ToOutput(value, "value");
  const Output weights = ToOutput(filter, "filter", dy.dtype());
  Tensor zero(dy.dtype(), Shape{});
  std::memset(zero.mutable_raw(), 0, zero.byte_size());
  const Output like = fill(output_shape, zero, "like");
  return MakeOp(Kind::kConvInput, scope.name(), {dy, weights, like},
                {{"strides", strides}, {"padding", padding}});
}

Output Pool(const char* op, const Input& input, const std::vector<int64_t>& ksize,
            const std::vector<int64_t>& strides, const std::string& padding,
            const std::string& name) {
  return Unary(op, input, name, op, {{"ksize", ksize}, {"strides", strides}, {"padding", padding}});
}

}  // namespace

std::vector<OpDef> ImageOps() {
  std::vector<OpDef> ops =
      OpsOf<Images>({kernels::Conv2D, kernels::Conv2DBackpropInput, kernels::Conv2DBackpropFilter,
                     kernels::MaxPool, kernels::MaxPoolGrad, kernels::MaxPoolGradGrad,
                     kernels::AvgPool, kernels::AvgPoolGrad});
  const std::vector<OpDef> of_volumes =
      OpsOf<Volumes>({kernels::Conv3D, kernels::Conv3DBackpropInput, kernels::Conv3DBackpropFilter,
                      kernels::MaxPool3D, kernels::MaxPool3DGrad, kernels::MaxPool3DGradGrad,
                      kernels::AvgPool3D, kernels::AvgPool3DGrad});
  ops.insert(ops.end(), of_volumes.begin(), of_volumes.end());
  const OpDef of_channels[] = {{.name = kDepthwise,
                                .infer = DepthwiseShape,
                                .kernel = kernels::DepthwiseConv2D,
                                .gradient = DepthwiseGrad},
                               {.name = kDepthwiseInput,
                                .infer = DepthwiseInputShape,
                                .kernel = kernels::DepthwiseConv2DBackpropInput,
                                .gradient = DepthwiseInputGrad},
                               {.name = kDepthwiseFilter,
                                .infer = DepthwiseFilterShape,
                                .kernel = kernels::DepthwiseConv2DBackpropFilter,
                                .gradient = DepthwiseFilterGrad}};
  ops.insert(ops.end(), std::begin(of_channels), std::end(of_channels));
  ops.push_back({.name = "MaxPoolWithArgmax",
                 .infer = MaxPoolWithArgmaxShape,
                 .kernel = kernels::MaxPoolWithArgmax,
                 .gradient = MaxPoolWithArgmaxGrad});
  return ops;
}

}  // namespace internal

namespace nn {

Output conv2d(const Input& input, const Input& filter, const std::vector<int64_t>& strides,
              const std::string& padding, const std::string& name) {
  return internal::Binary("Conv2D", input, filter, name, "Conv2D",
                          {{"strides", strides}, {"padding", padding}});
}
Output conv2d_transpose(const Input& value, const Input& filter, const Input& output_shape,
                        const std::vector<int64_t>& strides, const std::string& padding,
                        const std::string& name) {
  return internal::ConvTranspose<internal::Images>(value, filter, output_shape, strides, padding,
                                                   name, "conv2d_transpose");
}
Output depthwise_conv2d(const Input& input, const Input& filter,
                        const std::vector<int64_t>& strides, const std::string& padding,
                        const std::string& name) {
  return internal::Binary(internal::kDepthwise, input, filter, name, "depthwise",
                          {{"strides", strides}, {"padding", padding}});
}
Output max_pool(const Input& input, const std::vector<int64_t>& ksize,
                const std::vector<int64_t>& strides, const std::string& padding,
                const std::string& name) {
  return internal::Pool("MaxPool", input, ksize, strides, padding, name);
}
MaxAndPlaces max_pool_with_argmax(const Input& input, const std::vector<int64_t>& ksize,
                                  const std::vector<int64_t>& strides, const std::string& padding,
                                  DType places, bool include_batch_in_index,
                                  const std::string& name) {
  if (!IsIndex(places)) {
    throw ValueError(absl::StrCat("max_pool_with_argmax: the places are ", Name(places),
                                  ", expected int32 or int64."));
  }
  const Output output = internal::Unary("MaxPoolWithArgmax", input, name, "MaxPoolWithArgmax",
                                        {{"ksize", ksize},
                                         {"strides", strides},
                                         {"padding", padding},
                                         {"Targmax", places},
                                         {"include_batch_in_index", include_batch_in_index}});
  return {output, internal::Second(output)};
}
Output avg_pool(const Input& input, const std::vector<int64_t>& ksize,
                const std::vector<int64_t>& strides, const std::string& padding,
                const std::string& name) {
  return internal::Pool("AvgPool", input, ksize, strides, padding, name);
}
Output conv3d(const Input& input, const Input& filter, const std::vector<int64_t>& strides,
              const std::string& padding, const std::string& name) {
  return internal::Binary("Conv3D", input, filter, name, "Conv3D",
                          {{"strides", strides}, {"padding", padding}});
}
Output conv3d_transpose(const Input& value, const Input& filter, const Input& output_shape,
                        const std::vector<int64_t>& strides, const std::string& padding,
                        const std::string& name) {
  return internal::ConvTranspose<internal::Volumes>(value, filter, output_shape, strides, padding,
                                                    name, "conv3d_transpose");
}
Output max_pool3d(const Input& input, const std::vector<int64_t>& ksize,
                  const std::vector<int64_t>& strides, const std::string& padding,
                  const std::string& name) {
  return internal::Pool("MaxPool3D", input, ksize, strides, padding, name);
}
Output avg_pool3d(const Input& input, const std::vector<int64_t>& ksize,
                  const std::vector<int64_t>& strides, const std::string& padding,
                  const std::string& name) {
  return internal::Pool("AvgPool3D", input, ksize, strides, padding, name);
}

}  // namespace nn
}  // namespace varscope
