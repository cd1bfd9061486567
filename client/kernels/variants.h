// Which of the kernels that are built for several instruction sets this process runs.
#ifndef VARSCOPE_CLIENT_KERNELS_VARIANTS_H_
#define VARSCOPE_CLIENT_KERNELS_VARIANTS_H_

#include <string_view>
#include <vector>

#include "client/kernels/context.h"

namespace varscope::internal {

// The hot kernels as they are built for one instruction set.
struct KernelVariant {
  std::string_view name;    // "baseline", "v3", "v4"
  const KernelFn* kernels;  // as hot.h has them
};

// Those that this machine can run: "baseline" first, the fastest last. Thread-safe.
std::vector<KernelVariant> KernelVariants();

// The one that VARSCOPE_KERNELS names in the environment, else the fastest. Throws ValueError when
// this machine cannot run what is named. Thread-safe.
KernelVariant ChosenVariant();

// `kernel` as the variant has it: itself when it is not one of the hot ones. Thread-safe.
KernelFn KernelOf(const KernelVariant& variant, KernelFn kernel);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_VARIANTS_H_
