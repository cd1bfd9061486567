// One update, on as many cores as it is worth.
#include "proto/optimizers/optimizer.h"

#include "proto/concurrency/parallel.h"

namespace varscope::optimizers {
namespace {

constexpr size_t kParallelElements = size_t{256} << 10;

// Elements [begin, end) of a dense update.
template <typename T>
UpdateArgs<T> PartOf(const UpdateArgs<T>& args, size_t begin, size_t end) {
  UpdateArgs<T> part = args;
  part.variable = args.variable.subspan(begin, end - begin);
  part.gradient = args.gradient.subspan(begin, end - begin);
  for (std::span<T>& slot : part.slots) slot = slot.subspan(begin, end - begin);
  return part;
}

template <typename T>
void ApplyDense(void (*rule)(const UpdateArgs<T>&), bool elementwise, const UpdateArgs<T>& args) {
  if (!elementwise) return rule(args);
  ParallelFor(args.variable.size(), kParallelElements,
              [&](size_t begin, size_t end) { rule(PartOf(args, begin, end)); });
}

}  // namespace

void Optimizer::Apply(const UpdateArgs<float>& args, bool sparse) const {
  sparse ? sparse32(args) : ApplyDense(dense32, elementwise, args);
}

void Optimizer::Apply(const UpdateArgs<double>& args, bool sparse) const {
  sparse ? sparse64(args) : ApplyDense(dense64, elementwise, args);
}

}  // namespace varscope::optimizers
