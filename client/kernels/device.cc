#define EIGEN_USE_THREADS
#include "client/kernels/device.h"

#include <unsupported/Eigen/CXX11/Tensor>

namespace varscope::internal {

struct Device::Threads {
  explicit Threads(int n) : pool(n) {}
  Eigen::ThreadPool pool;
};

// Blocks by size. A block in use has a deleter that brings it back; the shelf dies with its pool
// and with the last block that is out.
struct BufferPool::Shelf {
  static constexpr size_t kMaxKept = size_t{1} << 30;  // bytes

  std::mutex mutex;
  std::unordered_map<size_t, std::vector<std::shared_ptr<Block>>> free;
  size_t kept = 0;

  std::shared_ptr<Block> Take(size_t size) {
    {
      std::lock_guard lock(mutex);
      const auto it = free.find(size);
      if (it != free.end() && !it->second.empty()) {
        std::shared_ptr<Block> block = std::move(it->second.back());
        it->second.pop_back();
        kept -= size;
        return block;
      }
    }
    std::shared_ptr<Block> block = Block::TryAllocate(size);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }

  void Return(std::shared_ptr<Block> block) {
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
  std::shared_ptr<Block> block = shelf_->Take(*size);
  Block* const bytes = block.get();
  // The block that kernels see counts its own owners, so that unique() means what it says.
  std::shared_ptr<Block> lent(bytes, [shelf = shelf_, block = std::move(block)](Block*) mutable {
    shelf->Return(std::move(block));
  });
  return Tensor::FromBlock(dtype, shape, std::move(lent));
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
