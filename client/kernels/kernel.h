// The kernel of an op, as the op table has it.
#ifndef VARSCOPE_CLIENT_KERNELS_KERNEL_H_
#define VARSCOPE_CLIENT_KERNELS_KERNEL_H_

#include <cstddef>

#include "absl/status/status.h"
#include "client/kernels/context.h"

namespace varscope::internal {

// Runs `kernel`. Where that computes with none of the op's dtypes it gets the inputs as a dtype
// that holds all their values, int32, int64 or float32, and its outputs are converted back:
// integers wrap, as TensorFlow's do. Thread-safe, as the function is.
class Kernel {
 public:
  constexpr Kernel() = default;
  constexpr Kernel(std::nullptr_t) {}                 // NOLINT(google-explicit-constructor)
  constexpr Kernel(KernelFn kernel) : fn_(kernel) {}  // NOLINT(google-explicit-constructor)

  absl::Status operator()(KernelContext& ctx) const;

  KernelFn fn() const { return fn_; }
  friend bool operator==(const Kernel& kernel, std::nullptr_t) { return kernel.fn_ == nullptr; }

 private:
  KernelFn fn_ = nullptr;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_KERNEL_H_
