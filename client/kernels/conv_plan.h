// One convolution of float32 images, or one of its two gradients, as oneDNN computes it. Its
// instructions are made once for each shape, which takes some milliseconds.
#ifndef VARSCOPE_CLIENT_KERNELS_CONV_PLAN_H_
#define VARSCOPE_CLIENT_KERNELS_CONV_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <dnnl.hpp>
#include <memory>
#include <unordered_map>

#include "client/kernels/window.h"

namespace varscope::internal {

// Which operand is computed from the other two.
enum class ConvResult { kOut, kImages, kFilter };

struct ConvKey {
  ConvResult result;
  Window window;  // its batch: the images of one run
  int64_t out_channels;

  bool operator==(const ConvKey&) const = default;
};

// images [batch, in_height, in_width, channels], filter [height, width, channels, out_channels] and
// out [batch, out_height, out_width, out_channels], all dense. The result is overwritten.
struct ConvData {
  float* images;
  float* filter;
  float* out;
};

// Thread-safe. All that it does is done on the calling thread.
class ConvPlan {
 public:
  // The plan for a key whose sizes are all above 0; null where oneDNN has only what is slow. The
  // last ones asked for are kept.
  static std::shared_ptr<const ConvPlan> Find(const ConvKey& key);

  // oneDNN wants the filter in an order of its own, of so many bytes.
  size_t packed_bytes() const { return packed_.get_size(); }
  // False: no memory.
  bool Pack(const float* filter, float* packed) const;
  bool Unpack(const float* packed, float* filter) const;
  // The filter is packed. False: no memory.
  bool Run(const ConvData& data) const;

 private:
  // What oneDNN calls a primitive, and the memory that it needs while it runs.
  struct Step {
    dnnl::primitive run;
    dnnl::memory::desc scratch;
  };

  ConvPlan() = default;  // without steps
  explicit ConvPlan(const ConvKey& key);
  static std::shared_ptr<const ConvPlan> Make(const ConvKey& key);

  // Throws dnnl::error or std::bad_alloc.
  static void Execute(const Step& step, std::unordered_map<int, dnnl::memory> operands);
  bool Reorder(const dnnl::memory::desc& from, const float* source, const dnnl::memory::desc& to,
               float* target) const;

  ConvResult result_ = ConvResult::kOut;
  dnnl::memory::desc images_, filter_, packed_, out_;
  Step convolve_;
  Step reorder_;  // the filter: packs it, or unpacks what is computed
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_CONV_PLAN_H_
