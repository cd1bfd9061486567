#include "client/kernels/conv_plan.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "client/kernels/one_thread.h"
#include "client/kernels/recent.h"
#include "varscope/tensor.h"

namespace varscope::internal {
namespace {

using dnnl::memory;

// A program with more shapes than this makes some of them anew.
constexpr size_t kMostPlans = 128;

const dnnl::engine& Engine() {
  static const auto* const engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

memory::desc Floats(const memory::dims& dims, memory::format_tag tag) {
  return {dims, memory::data_type::f32, tag};
}

// Scratch memory is the caller's: oneDNN's own belongs to the thread that made the primitive.
dnnl::primitive_attr WithScratch() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

// The operands of a convolution, or of a gradient, as oneDNN is told of them.
struct Operands {
  memory::desc images, filter, out;
  memory::dims strides, before, after;
};

// The padding at the end of an axis that makes just so many positions.
int64_t PadAfter(int64_t out, int64_t stride, int64_t window, int64_t in, int64_t before) {
  return std::max<int64_t>((out - 1) * stride + window - in - before, 0);
}

// oneDNN names dimensions batch, channels, height, width; and of filters the output's channels come
// first. The order in memory is the tag's.
Operands OperandsOf(const ConvKey& key) {
  const Window& w = key.window;
  using Tag = memory::format_tag;
  return {.images = Floats({w.batch, w.channels, w.in_height, w.in_width}, Tag::nhwc),
          .filter = Floats({key.out_channels, w.channels, w.height, w.width}, Tag::any),
          .out = Floats({w.batch, key.out_channels, w.out_height, w.out_width}, Tag::nhwc),
          .strides = {w.stride_y, w.stride_x},
          .before = {w.pad_top, w.pad_left},
          .after = {PadAfter(w.out_height, w.stride_y, w.height, w.in_height, w.pad_top),
                    PadAfter(w.out_width, w.stride_x, w.width, w.in_width, w.pad_left)}};
}

constexpr auto kDirect = dnnl::algorithm::convolution_direct;

dnnl::convolution_forward::primitive_desc Forward(const Operands& x) {
  const dnnl::convolution_forward::desc operation(dnnl::prop_kind::forward_training, kDirect,
                                                  x.images, x.filter, x.out, x.strides, x.before,
                                                  x.after);
  return {operation, WithScratch(), Engine()};
}

dnnl::convolution_backward_data::primitive_desc BackwardImages(const Operands& x) {
  const dnnl::convolution_backward_data::desc operation(kDirect, x.images, x.filter, x.out,
                                                        x.strides, x.before, x.after);
  return {operation, WithScratch(), Engine(), Forward(x)};
}

dnnl::convolution_backward_weights::primitive_desc BackwardFilter(const Operands& x) {
  const dnnl::convolution_backward_weights::desc operation(kDirect, x.images, x.filter, x.out,
                                                           x.strides, x.before, x.after);
  return {operation, WithScratch(), Engine(), Forward(x)};
}

// Its reference implementations are a hundred times slower than the others.
bool IsSlow(const dnnl::primitive_desc_base& description) {
  return std::string_view(description.impl_info_str()).find("ref") != std::string_view::npos;
}

}  // namespace

ConvPlan::ConvPlan(const ConvKey& key) : result_(key.result) {
  const OneThread one;
  const Operands x = OperandsOf(key);
  images_ = x.images;
  out_ = x.out;
  filter_ = Floats(x.filter.dims(), memory::format_tag::hwio);
  const auto take = [this](const auto& description, const memory::desc& packed, auto make) {
    packed_ = packed;
    if (IsSlow(description)) return;
    convolve_ = {make(description), description.scratchpad_desc()};
  };
  switch (key.result) {
    case ConvResult::kOut: {
      const auto d = Forward(x);
      take(d, d.weights_desc(), [](const auto& of) { return dnnl::convolution_forward(of); });
      break;
    }
    case ConvResult::kImages: {
      const auto d = BackwardImages(x);
      take(d, d.weights_desc(), [](const auto& of) { return dnnl::convolution_backward_data(of); });
      break;
    }
    case ConvResult::kFilter: {
      const auto d = BackwardFilter(x);
      take(d, d.diff_weights_desc(),
           [](const auto& of) { return dnnl::convolution_backward_weights(of); });
      break;
    }
  }
  if (packed_ == filter_) return;
  const bool unpacks = key.result == ConvResult::kFilter;
  const dnnl::reorder::primitive_desc reorder(Engine(), unpacks ? packed_ : filter_, Engine(),
                                              unpacks ? filter_ : packed_, WithScratch());
  reorder_ = {dnnl::reorder(reorder), reorder.scratchpad_desc()};
}

std::shared_ptr<const ConvPlan> ConvPlan::Make(const ConvKey& key) {
  try {
    return std::shared_ptr<const ConvPlan>(new ConvPlan(key));
  } catch (const dnnl::error&) {
    return std::shared_ptr<const ConvPlan>(new ConvPlan());
  }
}

std::shared_ptr<const ConvPlan> ConvPlan::Find(const ConvKey& key) {
  static auto* const kept = new Recent<ConvKey, ConvPlan>(kMostPlans);
  std::shared_ptr<const ConvPlan> plan = kept->Find(key);
  if (plan == nullptr) {
    plan = Make(key);
    kept->Keep(key, plan);
  }
  return plan->convolve_.run ? plan : nullptr;
}

void ConvPlan::Execute(const Step& step, std::unordered_map<int, memory> operands) {
  const OneThread one;
  Tensor scratch;
  if (const auto size = static_cast<int64_t>(step.scratch.get_size()); size > 0) {
    scratch = Tensor(DType::kUint8, Shape{size});
    operands.emplace(DNNL_ARG_SCRATCHPAD, memory(step.scratch, Engine(), scratch.mutable_raw()));
  }
  dnnl::stream stream(Engine());
  step.run.execute(stream, operands);
}

bool ConvPlan::Reorder(const memory::desc& from, const float* source, const memory::desc& to,
                       float* target) const try {
  if (!reorder_.run) {
    std::memcpy(target, source, to.get_size());
    return true;
  }
  Execute(reorder_, {{DNNL_ARG_FROM, memory(from, Engine(), const_cast<float*>(source))},
                     {DNNL_ARG_TO, memory(to, Engine(), target)}});
  return true;
} catch (const std::exception&) {  // dnnl::error, std::bad_alloc
  return false;
}

bool ConvPlan::Pack(const float* filter, float* packed) const {
  return Reorder(filter_, filter, packed_, packed);
}

bool ConvPlan::Unpack(const float* packed, float* filter) const {
  return Reorder(packed_, packed, filter_, filter);
}

bool ConvPlan::Run(const ConvData& data) const try {
  const memory images(images_, Engine(), data.images);
  const memory filter(packed_, Engine(), data.filter);
  const memory out(out_, Engine(), data.out);
  switch (result_) {
    case ConvResult::kOut:
      Execute(convolve_, {{DNNL_ARG_SRC, images}, {DNNL_ARG_WEIGHTS, filter}, {DNNL_ARG_DST, out}});
      break;
    case ConvResult::kImages:
      Execute(convolve_,
              {{DNNL_ARG_DIFF_SRC, images}, {DNNL_ARG_WEIGHTS, filter}, {DNNL_ARG_DIFF_DST, out}});
      break;
    case ConvResult::kFilter:
      Execute(convolve_,
              {{DNNL_ARG_SRC, images}, {DNNL_ARG_DIFF_WEIGHTS, filter}, {DNNL_ARG_DIFF_DST, out}});
      break;
  }
  return true;
} catch (const std::exception&) {  // dnnl::error, std::bad_alloc
  return false;
}

}  // namespace varscope::internal
