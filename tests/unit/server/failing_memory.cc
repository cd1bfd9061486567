#include "tests/unit/server/failing_memory.h"

#include <execinfo.h>
#include <link.h>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// This thread ends the program when it asks for memory.
thread_local bool takes_no_memory = false;
// So many calls of this thread get memory, so many after them do not, and so many did not.
thread_local uint64_t calls_left = 0;
thread_local uint64_t times_left = 0;
thread_local uint64_t times_failed = 0;
// See MemoryUse.
thread_local int64_t bytes_used = 0;
thread_local int64_t most_bytes_used = 0;

// FailingMemoryOfOthers: its thread, and what it says, while there is one.
thread_local bool is_spared = false;
thread_local bool looks = false;  // within the functions below
std::atomic<bool> others_fail = false;
std::atomic<uint64_t> others_calls = 0;
std::atomic<uint64_t> others_failed = 0;
std::atomic<uint64_t> others_first = 0;
std::atomic<uint64_t> others_end = 0;

// Where gRPC's code is.
struct Range {
  uintptr_t begin;
  uintptr_t end;
};
std::array<Range, 64> grpc_code;
size_t grpc_ranges = 0;

int NoteCode(dl_phdr_info* library, size_t, void*) {
  const char* const name = library->dlpi_name;
  if (std::strstr(name, "libgrpc") == nullptr && std::strstr(name, "libgpr") == nullptr) return 0;
  for (int i = 0; i < library->dlpi_phnum && grpc_ranges < grpc_code.size(); ++i) {
    const ElfW(Phdr)& part = library->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
    const uintptr_t begin = library->dlpi_addr + part.p_vaddr;
    grpc_code[grpc_ranges++] = {begin, begin + part.p_memsz};
  }
  return 0;
}

bool IsOfGrpc() {
  std::array<void*, 64> frames{};
  const int count = backtrace(frames.data(), static_cast<int>(frames.size()));
  const auto is_of_grpc = [](const void* frame) {
    const auto at = reinterpret_cast<uintptr_t>(frame);
    return std::any_of(grpc_code.begin(), grpc_code.begin() + grpc_ranges,
                       [at](const Range& code) { return at >= code.begin && at < code.end; });
  };
  return std::any_of(frames.begin(), frames.begin() + count, is_of_grpc);
}

bool FailsAsAnother() {
  if (!others_fail.load(std::memory_order_acquire) || is_spared || looks) return false;
  looks = true;
  const bool counts = !IsOfGrpc();
  looks = false;
  if (!counts) return false;
  const uint64_t call = others_calls.fetch_add(1);
  if (call < others_first || call >= others_end) return false;
  ++others_failed;
  return true;
}

// Nobody asks where the sanitizers have their own operators.
[[maybe_unused]] bool Fails() {
  if (times_left == 0) return FailsAsAnother();
  if (calls_left > 0) {
    --calls_left;
    return false;
  }
  --times_left;
  ++times_failed;
  return true;
}

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
  if (Fails()) throw std::bad_alloc();
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

FailingMemory::FailingMemory(uint64_t calls, uint64_t times) {
  calls_left = calls;
  times_failed = 0;
  times_left = times;
}
FailingMemory::~FailingMemory() { times_left = 0; }
bool FailingMemory::failed() const { return times_failed > 0; }

FailingMemoryOfOthers::FailingMemoryOfOthers(uint64_t calls, uint64_t times) {
  // The first use of both takes memory.
  std::array<void*, 1> frame{};
  backtrace(frame.data(), 1);
  if (grpc_ranges == 0) dl_iterate_phdr(NoteCode, nullptr);
  spdlog::default_logger_raw();  // a program has one from its start
  is_spared = true;
  others_calls = 0;
  others_failed = 0;
  others_first = calls;
  others_end = calls + times;
  others_fail.store(true, std::memory_order_release);
}
FailingMemoryOfOthers::~FailingMemoryOfOthers() {
  others_fail.store(false, std::memory_order_release);
  is_spared = false;
}
bool FailingMemoryOfOthers::failed() const { return others_failed > 0; }

MemoryUse::MemoryUse() { bytes_used = most_bytes_used = 0; }
int64_t MemoryUse::now() const { return bytes_used; }
int64_t MemoryUse::most() const { return most_bytes_used; }

}  // namespace varscope::testing
