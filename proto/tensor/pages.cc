#include "proto/tensor/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace varscope {
namespace {

size_t WholePages(size_t size) {
  static const size_t page = sysconf(_SC_PAGESIZE);
  return (size + page - 1) / page * page;
}

std::atomic<size_t> mapped_bytes{0};

}  // namespace

size_t MappedBytes() { return mapped_bytes.load(std::memory_order_relaxed); }

std::byte* MapPages(size_t size) {
  if (size > SIZE_MAX / 2) return nullptr;
  const size_t wanted = WholePages(size);
  const size_t mapped = wanted + kHugePageBytes;
  void* const begin =
      mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (begin == MAP_FAILED) return nullptr;
  // What lies before and after the aligned part goes back.
  auto* const first = static_cast<std::byte*>(begin);
  const size_t over = reinterpret_cast<uintptr_t>(begin) % kHugePageBytes;
  const size_t before = over == 0 ? 0 : kHugePageBytes - over;
  if (before > 0) munmap(first, before);
  munmap(first + before + wanted, kHugePageBytes - before);
  // Advice: a system that has none goes on with small pages.
  madvise(first + before, wanted, MADV_HUGEPAGE);
  mapped_bytes.fetch_add(wanted, std::memory_order_relaxed);
  return first + before;
}

void OfferPages(std::byte* data, size_t size) {
  // Advice: a system that has none keeps them.
  madvise(data, WholePages(size), MADV_FREE);
}

void UnmapPages(std::byte* data, size_t size) {
  munmap(data, WholePages(size));
  mapped_bytes.fetch_sub(WholePages(size), std::memory_order_relaxed);
}

}  // namespace varscope
