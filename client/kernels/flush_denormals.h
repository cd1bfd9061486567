// Numbers too small for their exponent: processors take a hundred times as long for them.
#ifndef VARSCOPE_CLIENT_KERNELS_FLUSH_DENORMALS_H_
#define VARSCOPE_CLIENT_KERNELS_FLUSH_DENORMALS_H_

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace varscope::internal {

// While it lives, the calling thread takes denormals for 0, and gives 0 for them, as TensorFlow's
// threads do. On processors other than x86-64 and arm64 it does nothing.
class FlushDenormals {
 public:
  FlushDenormals() : before_(Get()) { Set(before_ | kFlush); }
  ~FlushDenormals() { Set(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr uint64_t kFlush = 0x8040;  // of results, of operands
  static uint64_t Get() { return _mm_getcsr(); }
  static void Set(uint64_t control) { _mm_setcsr(static_cast<unsigned>(control)); }
#elif defined(__aarch64__)
  static constexpr uint64_t kFlush = uint64_t{1} << 24;
  static uint64_t Get() {
    uint64_t control = 0;
    asm volatile("mrs %0, fpcr" : "=r"(control));
    return control;
  }
  static void Set(uint64_t control) { asm volatile("msr fpcr, %0" : : "r"(control)); }
#else
  static constexpr uint64_t kFlush = 0;
  static uint64_t Get() { return 0; }
  static void Set(uint64_t) {}
#endif

  const uint64_t before_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_FLUSH_DENORMALS_H_
