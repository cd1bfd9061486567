#include "client/kernels/conv_parts.h"

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "varscope/tensor.h"

namespace varscope::internal {
namespace {

// Below this many multiplications the making of a plan is not worth its time.
constexpr double kLeastProducts = 1 << 18;
// Sizes of an axis, a window or a stride, and of an image's elements, above which nobody has tried
// oneDNN, which counts some of them in an int.
constexpr int64_t kMostOfAxis = int64_t{1} << 14;
constexpr double kMostOfImage = 1 << 28;
// Bytes of images that are computed at once: what follows finds them in the cache.
constexpr int64_t kAtOnce = 256 << 10;
// Multiplications that a core does in a cycle, about.
constexpr double kPerCycle = 8;

int64_t ImageSize(const Window& w) { return w.in_height * w.in_width * w.channels; }
int64_t OutSize(const ConvKey& key) {
  return key.window.out_height * key.window.out_width * key.out_channels;
}
int64_t FilterSize(const ConvKey& key) {
  return key.window.height * key.window.width * key.window.channels * key.out_channels;
}
// Of one image.
double Multiplications(const ConvKey& key) {
  return static_cast<double>(OutSize(key)) *
         static_cast<double>(key.window.height * key.window.width * key.window.channels);
}

bool IsForThis(const ConvKey& key) {
  const Window& w = key.window;
  const auto fits = [](int64_t size) { return size > 0 && size <= kMostOfAxis; };
  const auto all = [&](std::initializer_list<int64_t> sizes) {
    return std::all_of(sizes.begin(), sizes.end(), fits);
  };
  if (w.batch <= 0) return false;
  if (!all({w.in_height, w.in_width, w.channels, w.height, w.width, w.stride_y, w.stride_x,
            w.out_height, w.out_width, key.out_channels})) {
    return false;
  }
  const auto largest = static_cast<double>(std::max(ImageSize(w), OutSize(key)));
  return largest <= kMostOfImage &&
         Multiplications(key) * static_cast<double>(w.batch) >= kLeastProducts;
}

absl::Status NoMemory(const ConvKey& key) {
  return absl::ResourceExhaustedError(
      absl::StrCat("no memory for a convolution of ", key.window.batch, " images"));
}

// Divides the batch, so that one plan is enough.
int64_t ImagesAtOnce(const ConvKey& key, int threads) {
  const int64_t batch = key.window.batch;
  const auto bytes = static_cast<int64_t>(sizeof(float)) *
                     (key.result == ConvResult::kOut ? OutSize(key) : ImageSize(key.window));
  int64_t count = std::clamp<int64_t>(kAtOnce / bytes, 1, (batch + threads - 1) / threads);
  while (batch % count != 0) --count;
  return count;
}

std::optional<absl::Status> ConvolveImages(Device& device, const ConvKey& key, const ConvData& data,
                                           absl::FunctionRef<void(int64_t, int64_t)> then) {
  ConvKey part = key;
  part.window.batch = ImagesAtOnce(key, device.threads());
  const std::shared_ptr<const ConvPlan> plan = ConvPlan::Find(part);
  if (plan == nullptr) return std::nullopt;
  Tensor packed(DType::kUint8, Shape{static_cast<int64_t>(plan->packed_bytes())});
  auto* const filter = reinterpret_cast<float*>(packed.mutable_raw());
  if (!plan->Pack(data.filter, filter)) return NoMemory(key);
  std::atomic<bool> done = true;
  const int64_t count = part.window.batch;
  const double cost = Multiplications(key) * static_cast<double>(count) / kPerCycle;
  device.ParallelFor(key.window.batch / count, cost, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * count; first < end * count; first += count) {
      if (plan->Run({data.images + first * ImageSize(key.window), filter,
                     data.out + first * OutSize(key)})) {
        then(first, count);
      } else {
        done = false;
      }
    }
  });
  return done ? absl::OkStatus() : NoMemory(key);
}

// The images that one thread sums the filter's gradient of; the last may have fewer.
class Share {
 public:
  Share(const ConvKey& key, int64_t first, int64_t count)
      : first_(first), key_(key), plan_(PlanFor(key, count)) {
    if (plan_ == nullptr) return;
    packed_ = Tensor(DType::kUint8, Shape{static_cast<int64_t>(plan_->packed_bytes())});
  }

  bool has_plan() const { return plan_ != nullptr; }

  // Into `filter`. False: no memory.
  bool Run(const ConvData& data, float* filter) {
    auto* const packed = reinterpret_cast<float*>(packed_.mutable_raw());
    return plan_->Run({data.images + first_ * ImageSize(key_.window), packed,
                       data.out + first_ * OutSize(key_)}) &&
           plan_->Unpack(packed, filter);
  }

 private:
  static std::shared_ptr<const ConvPlan> PlanFor(ConvKey key, int64_t count) {
    key.window.batch = count;
    return ConvPlan::Find(key);
  }

  int64_t first_;
  ConvKey key_;
  std::shared_ptr<const ConvPlan> plan_;
  Tensor packed_;
};

std::optional<absl::Status> SumFilter(Device& device, const ConvKey& key, const ConvData& data) {
  const int64_t batch = key.window.batch;
  const int64_t each = (batch + device.threads() - 1) / device.threads();
  std::vector<Share> shares;
  for (int64_t first = 0; first < batch; first += each) {
    shares.emplace_back(key, first, std::min(each, batch - first));
    if (!shares.back().has_plan()) return std::nullopt;
  }
  const auto count = static_cast<int64_t>(shares.size());
  const int64_t size = FilterSize(key);
  // The first share's is where the sum is to be.
  Tensor others(DType::kFloat32, Shape{count - 1, size});
  std::atomic<bool> done = true;
  const double cost = Multiplications(key) * static_cast<double>(each) / kPerCycle;
  device.ParallelFor(count, cost, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* const filter = i == 0 ? data.filter : others.mutable_data<float>() + (i - 1) * size;
      if (!shares[i].Run(data, filter)) done = false;
    }
  });
  if (!done) return NoMemory(key);
  for (int64_t i = 1; i < count; ++i) {
    const float* const other = others.data<float>() + (i - 1) * size;
    for (int64_t k = 0; k < size; ++k) data.filter[k] += other[k];
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<absl::Status> ConvolveParts(Device& device, const ConvKey& key, const ConvData& data,
                                          absl::FunctionRef<void(int64_t, int64_t)> then) {
  if (!IsForThis(key)) return std::nullopt;
  if (key.result == ConvResult::kFilter) return SumFilter(device, key, data);
  return ConvolveImages(device, key, data, then);
}

}  // namespace varscope::internal
