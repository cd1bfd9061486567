#define EIGEN_USE_THREADS
#include "client/kernels/device.h"

#include <unsupported/Eigen/CXX11/Tensor>

namespace varscope::internal {

struct Device::Threads {
  explicit Threads(int n) : pool(n) {}
  Eigen::ThreadPool pool;
};

// Blocks by size. The shelf dies with its pool and with the last block that is out.
struct BufferPool::Shelf final : BlockHome {
  static constexpr size_t kMaxKept = size_t{1} << 30;  // bytes

  std::mutex mutex;
  std::unordered_map<size_t, std::vector<std::unique_ptr<Block>>> free;
  size_t kept = 0;

  std::unique_ptr<Block> Take(size_t size) {
    {
      std::lock_guard lock(mutex);
      const auto it = free.find(size);
      if (it != free.end() && !it->second.empty()) {
        std::unique_ptr<Block> block = std::move(it->second.back());
        it->second.pop_back();
        kept -= size;
        return block;
      }
    }
    std::unique_ptr<Block> block = Block::TryAllocate(size);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }

  void Return(std::unique_ptr<Block> block) override {
    const size_t size = block->size();
    std::lock_guard lock(mutex);
    if (kept + size > kMaxKept) return;
    kept += size;
    free[size].push_back(std::move(block));
  }
};

BufferPool::BufferPool() : shelf_(std::make_shared<Shelf>()) {}

Tensor BufferPool::Allocate(DType dtype, const Shape& shape) {
  const absl::StatusOr<uint64_t> size = ByteSize(dtype, shape);
  if (!size.ok()) throw std::bad_alloc();
  return Tensor::FromBlock(dtype, shape, BlockRef(shelf_->Take(*size), shelf_));
}

Device::Device(int threads)
    : threads_(std::make_unique<Threads>(threads)),
      eigen_(std::make_unique<Eigen::ThreadPoolDevice>(&threads_->pool, threads)),
      seeds_(std::random_device{}()) {}

Device::~Device() = default;

void Device::ParallelFor(int64_t n, double cost, const std::function<void(int64_t, int64_t)>& fn) {
  eigen_->parallelFor(n, Eigen::TensorOpCost(0, 0, cost),
                      [&](Eigen::Index begin, Eigen::Index end) { fn(begin, end); });
}

uint64_t Device::NextSeed() {
  std::lock_guard lock(seed_mutex_);
  return seeds_();
}

}  // namespace varscope::internal
