#include "client/kernels/variants.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/kernels/hot.h"
#include "varscope/errors.h"

#if defined(VARSCOPE_X86_64_VARIANTS)
#include <cpuid.h>

extern "C" const varscope::internal::KernelFn varscope_hot_kernels_v3[];
extern "C" const varscope::internal::KernelFn varscope_hot_kernels_v4[];
#endif

namespace varscope::internal {
namespace {

#if defined(VARSCOPE_X86_64_VARIANTS)
// What compilers have no name for, of x86-64-v3: F16C, MOVBE and LZCNT.
bool HasUnnamedOfV3() {
  constexpr unsigned kExtended = 0x80000001;
  unsigned a = 0;
  unsigned b = 0;
  unsigned basic = 0;
  unsigned extended = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &basic, &d) != 0 && (basic & bit_F16C) != 0 &&
         (basic & bit_MOVBE) != 0 && __get_cpuid(kExtended, &a, &b, &extended, &d) != 0 &&
         (extended & bit_LZCNT) != 0;
}

// These also ask whether the system keeps the registers.
bool RunsV3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && HasUnnamedOfV3();
}
bool RunsV4() {
  return RunsV3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

}  // namespace

std::vector<KernelVariant> KernelVariants() {
  std::vector<KernelVariant> variants = {{"baseline", varscope_hot_kernels}};
#if defined(VARSCOPE_X86_64_VARIANTS)
  if (RunsV3()) variants.push_back({"v3", varscope_hot_kernels_v3});
  if (RunsV4()) variants.push_back({"v4", varscope_hot_kernels_v4});
#endif
  return variants;
}

KernelVariant ChosenVariant() {
  const std::vector<KernelVariant> variants = KernelVariants();
  const char* const asked = std::getenv("VARSCOPE_KERNELS");
  if (asked == nullptr || *asked == '\0') return variants.back();
  for (const KernelVariant& variant : variants) {
    if (variant.name == asked) return variant;
  }
  const auto print = [](std::string* out, const KernelVariant& variant) {
    absl::StrAppend(out, std::string(variant.name));
  };
  throw ValueError(absl::StrCat("VARSCOPE_KERNELS is '", asked,
                                "'; this machine runs: ", absl::StrJoin(variants, ", ", print)));
}

KernelFn KernelOf(const KernelVariant& variant, KernelFn kernel) {
  for (int i = 0; varscope_hot_kernels[i] != nullptr; ++i) {
    if (varscope_hot_kernels[i] == kernel) return variant.kernels[i];
  }
  return kernel;
}

}  // namespace varscope::internal
