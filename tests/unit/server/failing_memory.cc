#include "tests/unit/server/failing_memory.h"

#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

namespace {

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

// This thread ends the program when it asks for memory.
thread_local bool takes_no_memory = false;
// So many calls of this thread get memory, the next one does not.
thread_local uint64_t calls_left = kNever;
// See MemoryUse.
thread_local int64_t bytes_used = 0;
thread_local int64_t most_bytes_used = 0;

}  // namespace

#ifdef VARSCOPE_SANITIZED
// The sanitizers have their own operators, and call this for each block.
extern "C" void __sanitizer_malloc_hook(const volatile void*, size_t) {
  if (takes_no_memory) std::abort();
}
#else
// Seen through, GCC 12 takes malloc and free for a mismatch.
[[gnu::noinline]] void* operator new(size_t size) {
  if (takes_no_memory) std::abort();
  if (calls_left != kNever && calls_left-- == 0) throw std::bad_alloc();
  void* const block = std::malloc(std::max(size, size_t{1}));
  if (block == nullptr) throw std::bad_alloc();
  bytes_used += static_cast<int64_t>(malloc_usable_size(block));
  most_bytes_used = std::max(most_bytes_used, bytes_used);
  return block;
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  bytes_used -= static_cast<int64_t>(malloc_usable_size(block));
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, size_t) noexcept { operator delete(block); }
#endif

namespace varscope::testing {

NoMemory::NoMemory() { takes_no_memory = true; }
NoMemory::~NoMemory() { takes_no_memory = false; }

// From 0 it goes on to kNever, where no call fails any more.
FailingMemory::FailingMemory(uint64_t calls) { calls_left = calls; }
FailingMemory::~FailingMemory() { calls_left = kNever; }
bool FailingMemory::failed() const { return calls_left == kNever; }

MemoryUse::MemoryUse() { bytes_used = most_bytes_used = 0; }
int64_t MemoryUse::now() const { return bytes_used; }
int64_t MemoryUse::most() const { return most_bytes_used; }

}  // namespace varscope::testing
