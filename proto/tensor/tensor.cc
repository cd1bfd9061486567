#include "varscope/tensor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <numeric>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/parallel.h"
#include "proto/memory/memory_account.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/pages.h"

namespace varscope {
namespace {

// AddressSanitizer sees what is beyond malloc's memory, but not what is beyond a mapping.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kMaps = false;
#else
constexpr bool kMaps = true;
#endif
bool IsMapped(size_t size) { return kMaps && size >= kHugePageBytes; }

// Large blocks begin at different cache lines of a page. An update goes through several of them in
// step; from equal places in a page they would meet in the same few sets of the cache (and on AMD's
// cores, which guess the way from the address, push each other out: three times slower, now and
// then).
constexpr size_t kPage = 4096;
size_t NextColor() {
  static std::atomic<size_t> next{0};
  constexpr size_t kStep = 9 * Block::kAlignment;
  return next.fetch_add(1, std::memory_order_relaxed) * kStep % kPage;
}

// What a block takes beside its bytes, at most.
constexpr size_t kBefore = sizeof(Block) + Block::kAlignment - 1;

}  // namespace

std::unique_ptr<Block> Block::TryAllocate(size_t size) {
  if (size > std::numeric_limits<size_t>::max() - kBefore) return nullptr;
  MemoryAccount::Hold held = MemoryAccount::Process().TryHold(kBefore + size);
  if (!held) return nullptr;
  std::unique_ptr<Block> block = Create(size);
  if (block != nullptr) held.Keep();
  return block;
}

std::unique_ptr<Block> Block::AllocateAnyway(size_t size) {
  // Which first makes room for it, where it can.
  if (std::unique_ptr<Block> block = TryAllocate(size)) return block;
  if (size > std::numeric_limits<size_t>::max() - kBefore) return nullptr;
  MemoryAccount::Hold held = MemoryAccount::Process().HoldAnyway(kBefore + size);
  std::unique_ptr<Block> block = Create(size);
  if (block != nullptr) held.Keep();
  return block;
}

std::unique_ptr<Block> Block::Create(size_t size) {
  if (IsMapped(size)) {
    std::byte* const pages = MapPages(size + kPage);
    if (pages == nullptr) return nullptr;
    void* const block = ::operator new(sizeof(Block), std::nothrow);
    if (block == nullptr) return UnmapPages(pages, size + kPage), nullptr;
    return std::unique_ptr<Block>(::new (block) Block(pages + NextColor(), size));
  }
  // One piece of memory for the block and its bytes: tensors of a kilobyte come by the thousands.
  void* const block = ::operator new(kBefore + size, std::nothrow);
  if (block == nullptr) return nullptr;
  void* data = static_cast<std::byte*>(block) + sizeof(Block);
  size_t room = size + kAlignment - 1;
  std::align(kAlignment, size, data, room);
  return std::unique_ptr<Block>(::new (block) Block(static_cast<std::byte*>(data), size));
}

void Block::operator delete(void* block) {  // NOLINT(misc-new-delete-overloads)
  ::operator delete(block);
}

namespace {

// Where the mapping of a block begins.
std::byte* PagesOf(std::byte* data) { return data - reinterpret_cast<uintptr_t>(data) % kPage; }

}  // namespace

void Block::Offer() {
  if (IsMapped(size_)) OfferPages(PagesOf(data_), size_ + kPage);
}

Block::~Block() {
  if (IsMapped(size_)) UnmapPages(PagesOf(data_), size_ + kPage);
  MemoryAccount::Process().Give(kBefore + size_);
}

BlockRef::BlockRef(std::unique_ptr<Block> block, std::shared_ptr<BlockHome> home)
    : block_(block.release()) {
  if (block_ == nullptr) return;
  block_->home_ = std::move(home);
  Add();
}

void BlockRef::Drop() {
  if (block_ == nullptr || block_->owners_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  std::unique_ptr<Block> last(std::exchange(block_, nullptr));
  if (const std::shared_ptr<BlockHome> home = std::move(last->home_)) home->Return(std::move(last));
}

Tensor::Tensor(DType dtype, const Shape& shape) {
  absl::StatusOr<Tensor> t = TryAllocate(dtype, shape);
  if (!t.ok()) throw std::bad_alloc();
  *this = *std::move(t);
}

Tensor Tensor::FromBlock(DType dtype, Shape shape, BlockRef block) {
  Tensor t;
  t.dtype_ = dtype;
  t.num_elements_ = shape.num_elements();
  t.shape_ = std::move(shape);
  t.block_ = std::move(block);
  return t;
}

Tensor Tensor::Reshaped(Shape shape) const {
  Tensor t = *this;
  t.shape_ = std::move(shape);
  return t;
}

Tensor Tensor::Clone() const {
  Tensor t = *this;  // a second owner
  if (!TryMakeUnique(t).ok()) throw std::bad_alloc();
  return t;
}

namespace {

// Branches nowhere, and collects in as many places as four vectors have, so that compilers
// vectorize it and no step waits for the one before.
template <typename T>
bool AnyNonFinite(std::span<const T> values) {
  using Bits = std::conditional_t<sizeof(T) == 2, uint16_t,
                                  std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
  constexpr Bits kSign = Bits{1} << (8 * sizeof(T) - 1);
  constexpr Bits kExponentOne = Bits{1} << (std::numeric_limits<T>::digits - 1);
  // The exponent of what is not finite is all ones: then, and only then, one more is in the sign.
  const auto carry = [](T x) {
    return static_cast<Bits>((std::bit_cast<Bits>(x) & ~kSign) + kExponentOne);
  };
  std::array<Bits, 64 / sizeof(T)> any{};
  size_t i = 0;
  for (; i + any.size() <= values.size(); i += any.size()) {
    for (size_t place = 0; place < any.size(); ++place) any[place] |= carry(values[i + place]);
  }
  for (; i < values.size(); ++i) any[0] |= carry(values[i]);
  return (std::accumulate(any.begin(), any.end(), Bits{0}, std::bit_or<>()) & kSign) != 0;
}

template <typename T>
int64_t FirstNonFinite(std::span<const T> values) {
  std::atomic<bool> any{false};
  ParallelFor(values.size(), kParallelBytes / sizeof(T), [&](size_t begin, size_t end) {
    if (AnyNonFinite(values.subspan(begin, end - begin))) any = true;
  });
  if (!any) return -1;
  const auto is_bad = [](const T& x) { return AnyNonFinite(std::span(&x, 1)); };
  return std::find_if(values.begin(), values.end(), is_bad) - values.begin();
}

}  // namespace

int64_t FirstNonFinite(const Tensor& tensor) {
  int64_t first = -1;
  VisitFloating(tensor.dtype(), [&](auto tag) {
    first = FirstNonFinite(tensor.values<typename decltype(tag)::type>());
  });
  return first;
}

bool AllFinite(DType dtype, std::span<const std::byte> elements) {
  bool finite = true;
  VisitFloating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    finite = !AnyNonFinite(
        std::span(reinterpret_cast<const T*>(elements.data()), elements.size() / sizeof(T)));
  });
  return finite;
}

std::string Summarize(const Tensor& tensor, int64_t limit) {
  if (!tensor.defined()) return "<undefined>";
  std::string out = "[";
  for (int64_t i = 0; i < tensor.num_elements() && i < limit; ++i) {
    absl::StrAppend(&out, i == 0 ? "" : " ");
    VisitDType(tensor.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T x = tensor.data<T>()[i];
      if constexpr (std::is_integral_v<T>) {
        absl::StrAppend(&out, +x);  // a byte is a number, too
      } else {
        absl::StrAppend(&out, static_cast<std::conditional_t<sizeof(T) == 2, float, T>>(x));
      }
    });
  }
  if (tensor.num_elements() > limit) absl::StrAppend(&out, " ...");
  return out + "]";
}

}  // namespace varscope
